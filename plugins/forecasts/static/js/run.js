// What Airflow shows as the tab "Forecasts" of a DAG, of one of its runs or of a task: what became of each ticker. The
// address has dag_id and, for a run, run_id; for a task also map_index, which is the number of its shard.

import { read } from "./api.js";
import { element, fillTable } from "./dom.js";
import { moment } from "./format.js";
import { resultBadge } from "./panels.js";
import { HOURLY, asOfOf, readRun } from "./runs.js";
import { showFailure, showNotice } from "./states.js";
import { followTheme } from "./theme.js";

const REFRESH_SECONDS = 60;
const PAGE_SIZE = 100;
const HOURS = 48;
const ONBOARDING = "onboard_ticker";
const STATUSES = {
  "": "All", failed: "Failed", planned: "Not finished", fallback: "Fallback", skipped: "Skipped", forecast: "Forecast", refreshed: "Refreshed",
};
const COUNTS = {
  forecast_count: "Forecast", refreshed_count: "Refreshed", fallback_count: "Fallback", skipped_count: "Skipped", failed_count: "Failed",
  unfinished_count: "Not finished",
};

const given = new URLSearchParams(location.search);
const dagId = given.get("dag_id") ?? HOURLY;
const runId = given.get("run_id");
const mapIndex = /^\d+$/.test(given.get("map_index") ?? "") ? Number(given.get("map_index")) : null;
const find = (id) => document.getElementById(id);
const notice = find("notice");
const form = find("filters");
const pages = document.querySelector(".pages");
let page = 1;
let asOf = null;
let newest = 0;

async function load() {
  const number = ++newest;
  try {
    if (dagId === ONBOARDING) await showRequest();
    else if (dagId === HOURLY) await showHour(number);
    else showOther();
  } catch (error) {
    if (number === newest) showFailure(notice, explained(error));
  }
}

function explained(error) {
  if (error.code !== "forbidden") return error;
  return Object.assign(new Error("Your login may not see this run in Airflow."), { code: "forbidden" });
}

function showOther() {
  find("title").textContent = "No forecasts here";
  showNotice(notice, `${dagId} makes no forecasts. This tab shows those of hourly_forecast, and the tickers of onboard_ticker.`);
}

async function showRequest() {
  find("title").textContent = "Tickers of this request";
  const { requests } = await read("requests", { request_id: runId ?? "", limit: 10 });
  find("subtitle").textContent = runId ? runId : "The newest requests.";
  showNotice(notice, requests.length ? "" : "No ticker was requested by this run yet. Names that it refuses before its first task are in its note.");
  const rows = requests.map((row) => [
    tickerCell(row.ticker), row.kind === "retire" ? "retire" : "add", row.result.replaceAll("_", " "), row.reason ?? "", moment(row.updated_at),
  ]);
  fillTable(find("outcomes"), ["Ticker", "Request", "Result", "Reason", "Changed"], rows);
}

async function showHour(number) {
  if (runId && !asOf) asOf = new Date(asOfOf(await readRun(dagId, runId))).toISOString();
  const { hours } = await read("hours", { limit: runId ? 1 : HOURS, until: runId ? asOf : "" });
  const hour = runId ? hours.find((each) => Date.parse(each.as_of) === Date.parse(asOf)) : chosenHour(hours);
  if (number !== newest) return;
  find("title").textContent = runId ? "Tickers of this hour" : "Tickers of an hour";
  if (!hour) {
    find("subtitle").textContent = asOf ? `as of ${moment(asOf)}` : "";
    showNotice(notice, runId ? "This hour has not been planned yet, or its run failed before it could be. Its tickers come once the task plan is done." : "No hour was planned yet.");
    return;
  }
  const query = { status: form.status.value, shard_index: mapIndex !== null && form.shard.checked ? mapIndex : "", page, page_size: PAGE_SIZE };
  const found = await read(`hours/${encodeURIComponent(hour.as_of)}/outcomes`, query);
  if (number !== newest) return;
  find("subtitle").textContent = `as of ${moment(hour.as_of)}${hour.finished_at ? "" : ", not finished"}`;
  showNotice(notice, found.outcome_count ? "" : emptyText(hour));
  showCounts(hour);
  showOutcomes(found);
  form.hidden = false;
  keepAddress();
}

function chosenHour(hours) {
  const chosen = form.hour.value || given.get("as_of") || "";
  form.hour.replaceChildren(...hours.map((hour) => element("option", { value: hour.as_of }, moment(hour.as_of))));
  const hour = hours.find((each) => each.as_of === chosen) ?? hours.find((each) => each.ticker_count > 0) ?? hours[0];
  form.hour.value = hour?.as_of ?? "";
  return hour;
}

function emptyText(hour) {
  return hour.ticker_count ? "No ticker of this hour matches." : "This hour planned no ticker: none was active, or every market was closed.";
}

function showCounts(hour) {
  const shown = Object.entries(COUNTS).filter(([name]) => hour[name] > 0);
  find("counts").replaceChildren(...shown.map(([name, title]) =>
    element("div", { class: "card" }, element("small", {}, title), element("strong", {}, String(hour[name])))));
}

function showOutcomes({ outcomes, outcome_count: count }) {
  const rows = outcomes.map((outcome) => [
    tickerCell(outcome.ticker, outcome.is_simulated), element("td", {}, resultBadge(outcome.status)), outcome.reason ?? "",
    element("td", { class: "when" }, `shard ${outcome.shard_index}`), element("td", { class: "when" }, moment(outcome.anchored_at)),
  ]);
  fillTable(find("outcomes"), ["Ticker", "Result", "Reason", "Shard", "Newest bar closed"], rows);
  const last = Math.max(1, Math.ceil(count / PAGE_SIZE));
  find("position").textContent = `Page ${page} of ${last}, ${count} tickers`;
  find("previous").disabled = page <= 1;
  find("next").disabled = page >= last;
  pages.hidden = last === 1;
}

function tickerCell(ticker, isSimulated = false) {
  return element("td", { class: "when" },
    element("a", { href: `ticker/${encodeURIComponent(ticker)}` }, ticker), isSimulated ? element("small", {}, "simulated") : null);
}

function keepAddress() {
  const query = new URLSearchParams(given);
  const kept = { as_of: runId ? "" : form.hour.value, status: form.status.value };
  for (const [name, value] of Object.entries(kept)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  history.replaceState(null, "", `${location.pathname}?${query}`);
}

function setUp() {
  form.status.append(...Object.entries(STATUSES).map(([value, title]) => element("option", { value }, title)));
  form.status.value = Object.hasOwn(STATUSES, given.get("status") ?? "") ? given.get("status") ?? "" : "";
  form.hour.closest("label").hidden = Boolean(runId);
  if (mapIndex !== null) {
    find("shard-label").hidden = false;
    find("shard-label").querySelector("span").textContent = `Only the tickers of this task (shard ${mapIndex})`;
  }
}

function turn(by) {
  page += by;
  load();
}

setUp();
followTheme();
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", () => { page = 1; load(); });
find("previous").addEventListener("click", () => turn(-1));
find("next").addEventListener("click", () => turn(1));
setInterval(load, REFRESH_SECONDS * 1000);
load();
