// The tables and lists of a ticker's page below its chart.

import { leadTo, runPath } from "./airflow.js";
import { element, fillTable } from "./dom.js";
import { moment, percent, price } from "./format.js";
import { HOURLY, findRun, logPath } from "./runs.js";
import { eventTitle } from "./series.js";
import { sourceLink } from "./filings.js";

const number = (text) => element("td", { class: "number" }, text);
const when = (instant, zone) => element("td", { class: "when" }, moment(instant, zone));

/** The bars of the newest forecast. */
export function showBars(table, ticker) {
  const rows = ticker.fan.map((bar) => [
    number(String(bar.horizon)), when(bar.target_at, ticker.exchange_timezone), number(price(bar.q50)),
    number(`${price(bar.q25)} to ${price(bar.q75)}`), number(`${price(bar.q05)} to ${price(bar.q95)}`),
  ]);
  fillTable(table, ["Bar", "Closes", "Median", "50 % interval", "90 % interval"], rows);
}

/** What a forecast is good for, and what not, in the sentences of the API. */
export function showAssessment(holder, assessment) {
  holder.replaceChildren(
    element("div", {}, element("h3", { class: "good" }, "Good for"), list(assessment.good_for, "Nothing is shown yet.")),
    element("div", {}, element("h3", { class: "warn" }, "Not good for"), list(assessment.not_good_for, "")),
    element("p", { class: "hint" }, assessment.basis),
  );
}

function list(sentences, nothing) {
  if (!sentences.length) return element("p", { class: "hint" }, nothing);
  return element("ul", {}, ...sentences.map((sentence) => {
    const [use, ...rest] = sentence.split(": ");
    return element("li", {}, element("b", {}, use), rest.length ? `: ${rest.join(": ")}` : "");
  }));
}

const RESULTS = {
  forecast: ["good", "Forecast"], refreshed: ["good", "Refreshed"], fallback: ["warn", "Fallback"], skipped: ["soft", "Skipped"],
  failed: ["bad", "Failed"], planned: ["warn", "Not finished"],
};

/** A result of an hour as a badge. */
export function resultBadge(status) {
  const [kind, title] = RESULTS[status] ?? ["soft", status];
  return element("span", { class: `badge ${kind}` }, title);
}

/** The last hours, each with a button that finds its run in Airflow. */
export function showOutcomes(table, outcomes, zone) {
  const rows = outcomes.map((outcome) => [
    when(outcome.as_of, zone), element("td", {}, resultBadge(outcome.status)), outcome.reason ?? "", runCell(outcome),
  ]);
  fillTable(table, ["Hour", "Result", "Reason", "Airflow"], rows);
}

function runCell(outcome) {
  const cell = element("td", { class: "run" });
  const button = element("button", { type: "button", class: "small", "aria-label": `Find run of ${outcome.as_of}` }, "Find run");
  button.addEventListener("click", async () => {
    button.disabled = true;
    cell.replaceChildren(...(await runLinks(outcome)));
  });
  cell.append(button);
  return cell;
}

async function runLinks(outcome) {
  try {
    const run = await findRun(outcome.as_of);
    if (!run) return [element("small", {}, "Airflow no longer has this run.")];
    return [
      leadTo(element("a", {}, "Run"), runPath(HOURLY, run.dag_run_id)), " ",
      leadTo(element("a", {}, "Log"), logPath(run, outcome)),
    ];
  } catch (error) {
    return [element("small", {}, error.code === "forbidden" ? "Your login may not see Airflow's runs." : error.message)];
  }
}

/** What served and why, newest first. */
export function showVersions(table, versions, zone) {
  const rows = versions.map((version) => [
    when(version.as_of, zone), version.is_serving ? "now" : when(version.until_as_of, zone),
    element("td", {}, versionTitle(version), element("small", {}, `version ${version.model_version.slice(0, 12)}`)), versionReason(version),
  ]);
  fillTable(table, ["Served from", "Until", "Weights", "Why"], rows);
}

function versionTitle({ kind, step_count: steps }) {
  if (kind === "first_training") return steps ? `first training, ${steps} steps` : "the backbone's weights";
  if (kind === "restart") return "the reference's weights again";
  return `challenger, ${steps} steps`;
}

/** Why a version may serve, or may not, in a sentence. */
export function versionReason(version) {
  if (version.kind === "first_training") return "It was made when the ticker was added, or trained again.";
  if (version.kind === "restart") return version.reason ?? "The challenger was worse than its reference.";
  const compared = version.bar_count ? ` on ${version.bar_count} bars` : "";
  const evidence = version.e_value === null ? "" : `, e-value ${version.e_value.toPrecision(3)}`;
  return version.is_promoted ? `Proven better than its reference${compared}${evidence}.` : `Not proven better yet${compared}${evidence}.`;
}

/** Events, the next ones first and then the newest past ones. */
export function showEvents(table, events, today = new Date().toISOString().slice(0, 10)) {
  const ahead = events.filter((event) => event.day_exchange >= today).reverse();
  const past = events.filter((event) => event.day_exchange < today);
  const rows = [...ahead, ...past].map((event) => [element("td", { class: "when" }, event.day_exchange), eventTitle(event), eventDetail(event)]);
  fillTable(table, ["Day", "Event", "Detail"], rows);
}

function eventDetail(event) {
  if (event.description) return event.description;
  if (event.kind === "report") {
    const side = { before_open: "before the open", after_close: "after the close" }[event.timing] ?? "time unknown";
    const guess = event.named_by === "estimate" ? "estimated from earlier reports" : "estimated";
    const detail = `${side}, ${event.is_confirmed ? "confirmed" : guess}`;
    return event.receipt ? element("td", {}, `${detail}, filing `, sourceLink(event.address, event.receipt)) : detail;
  }
  if (event.kind === "dividend") return `${price(event.amount)} a unit`;
  const factor = event.factor === null ? "" : `factor ${Number(event.factor.toPrecision(5))}`;
  return event.is_open ? `${factor}, open: forecasts are wide until it is settled` : factor;
}

const FAULTS = {
  missing_count: "missing", late_count: "late", revision_count: "revised", rejection_count: "rejected",
  scale_change_count: "changed the scale", scale_question_count: "in question",
};

/** A strip with a cell a day, oldest first, and a sentence; the days with faults as rows of a table. */
export function showQuality(strip, table, days) {
  const faulty = days.filter((day) => faultsOf(day));
  const cells = [...days].reverse().map((day) =>
    element("span", { class: `day ${dayKind(day)}`, title: `${day.day_exchange}: ${day.bar_count} of ${day.expected_count ?? "?"} bars${faultsOf(day) ? `, ${faultsOf(day)}` : ""}` }));
  const bars = days.reduce((sum, day) => sum + day.bar_count, 0);
  const due = days.reduce((sum, day) => sum + (day.expected_count ?? day.bar_count), 0);
  const share = due ? percent(Math.min(1, bars / due)) : "";
  strip.replaceChildren(
    element("div", { class: "days", "aria-hidden": "true" }, ...cells),
    element("p", { class: "hint" }, days.length
      ? `${share} of the bars that were due over ${days.length} days are stored. ${faulty.length ? `${faulty.length} days have remarks.` : "No day has a remark."}`
      : "No day of this period was fetched."),
  );
  fillTable(table, ["Day", "Bars", "Remarks"], faulty.slice(0, 20).map((day) =>
    [day.day_exchange, number(`${day.bar_count} of ${day.expected_count ?? "?"}`), `${faultsOf(day)}${day.rejection_reasons ? ` (${day.rejection_reasons})` : ""}`]));
}

/** What is wrong with a day, in words; empty if nothing is. */
export function faultsOf(day) {
  return Object.entries(FAULTS).filter(([name]) => day[name]).map(([name, title]) => `${day[name]} ${title}`).join(", ");
}

function dayKind(day) {
  if (day.missing_count || day.rejection_count || day.scale_question_count) return "poor";
  return faultsOf(day) ? "fair" : "fine";
}

/** The newest forecasts as a table: the figures of the night's picture. */
export function showMoves(table, forecasts, zone) {
  const rows = forecasts.map((forecast) => {
    const [next] = forecast.bars;
    return [
      when(forecast.as_of, zone), forecast.is_refresh ? "refreshed" : "regular",
      number(price(forecast.believed_price ?? forecast.last_close)), when(next.target_at, zone), number(price(next.q50)),
      number(`${price(next.q05)} to ${price(next.q95)}`), number(price(next.actual_close)), inside(next),
    ];
  });
  fillTable(table, ["As of", "Kind", "From price", "Next target", "Median", "90 % interval", "Actual close", "Inside"], rows);
}

function inside(bar) {
  if (bar.is_inside_90 === null) return "";
  return bar.is_inside_90 ? "yes" : "no";
}
