// The page of one ticker. Its address says what it shows: see address.js.

import { PASTS, PERIODS, periodOf, readAddress, writeAddress } from "./address.js";
import { showAccuracy } from "./accuracy.js";
import { read } from "./api.js";
import { TickerChart } from "./chart.js";
import { element } from "./dom.js";
import { showDownloads } from "./downloads.js";
import { filedReports, offerQuestions, showFilings, showMarked, sourceLink } from "./filings.js";
import { distance, moment, percent, price } from "./format.js";
import { backboneEvents } from "./models.js";
import { nightFigure } from "./night.js";
import * as panels from "./panels.js";
import { newestNight, reportBehind, seconds } from "./series.js";
import { showFailure, showNotice, stateElements } from "./states.js";
import { followTheme } from "./theme.js";

const REFRESH_SECONDS = 60;
const MOST_BARS = 20_000;
const MOST_FORECASTS = { ranges: 5000, fans: 1000 };
const OUTCOMES = 48;
const FILINGS = 50;
const NIGHT_FORECASTS = 60;
const VERSIONS = 20;
const BACKBONES = 100;
const LATER_DAYS = 30;

const name = decodeURIComponent(location.pathname.split("/").at(-1));
const path = `tickers/${encodeURIComponent(name)}`;
const find = (id) => document.getElementById(id);
const notice = find("notice");
const form = find("view");
const horizon = find("accuracy-view").elements.horizon;
let view = readAddress(location.search);
let chart = null;
let shown = null;
let newest = 0;

function setUp() {
  document.title = `${name} - forecast`;
  find("name").textContent = name;
  form.period.append(...Object.entries(PERIODS).map(([value, [title]]) => element("option", { value }, title)));
  form.past.append(...Object.entries(PASTS).map(([value, title]) => element("option", { value }, title)));
  horizon.append(...[1, 2, 3, 4, 5, 6, 7].map((bars) => element("option", { value: bars }, bars === 1 ? "the next bar" : `${bars} bars ahead`)));
  form.until.max = new Date().toISOString().slice(0, 10);
  fillForm();
}

function fillForm() {
  for (const field of ["period", "until", "past"]) form[field].value = view[field];
  for (const field of ["events", "volume", "night"]) form[field].checked = view[field];
  horizon.value = view.horizon;
}

function change(changes) {
  view = { ...view, ...changes };
  history.pushState(null, "", location.pathname + writeAddress(view));
  load();
}

async function load() {
  const number = ++newest;
  const isNewest = () => number === newest;
  try {
    await loadChart(isNewest);
    if (isNewest()) await Promise.all([loadAccuracy(isNewest), loadRecords(isNewest)]);
    if (isNewest()) showNotice(notice);
  } catch (error) {
    if (isNewest()) showFailure(notice, error);
  }
}

async function loadChart(isNewest) {
  const period = periodOf(view);
  const most = MOST_FORECASTS[view.past];
  const [ticker, { bars }, { forecasts: past }, chosen, { events: own }, { operations }, { filings }] = await Promise.all([
    read(path),
    read(`${path}/bars`, { ...period, limit: MOST_BARS }),
    most ? read(`${path}/forecasts`, { ...period, limit: most, horizon: view.past === "ranges" ? 1 : "" }) : { forecasts: [] },
    view.forecast ? read(`${path}/forecasts`, { until: view.forecast, limit: 1 }) : { forecasts: [] },
    read(`${path}/events`, daysOf(period)),
    read("models", { limit: BACKBONES, since: period.since, until: period.until }),
    read(`${path}/filings`, { limit: FILINGS, until: period.until }),
  ]);
  const events = [...own, ...backboneEvents(operations)].sort(newestFirst);
  if (!isNewest()) return;
  const marked = [...events, ...filedReports(filings, period.since, ticker.exchange_timezone)];
  shown = { ticker, bars, past, chosen: chosen.forecasts[0], events: marked, view };
  showState(ticker, events);
  showChart();
  panels.showBars(find("bars"), ticker);
  showMarked(find("marked"), view.events ? marked.sort(newestFirst) : []);
  showFilings(find("filing-list"), find("no-filings"), filings, ticker.exchange_timezone);
  panels.showEvents(find("events"), events);
  find("no-events").hidden = events.length > 0;
  showDownloads(find("downloads"), name, period);
}

async function loadAccuracy(isNewest) {
  const period = periodOf(view.period === "5d" || view.period === "1m" ? { ...view, period: "3m" } : view);
  const [{ days }, { levels }, { assessment }] = await Promise.all([
    read(`${path}/scores/daily`, { ...daysOf(period), horizon: view.horizon }),
    read(`${path}/calibration`, { horizon: view.horizon }),
    read(`${path}/scores`),
  ]);
  if (!isNewest()) return;
  showAccuracy(find("accuracy"), days, levels);
  panels.showAssessment(find("assessment"), assessment);
}

async function loadRecords(isNewest) {
  const period = periodOf(view);
  const [{ forecasts }, { outcomes }, { versions }, newer, { days }] = await Promise.all([
    view.night ? read(`${path}/forecasts`, { limit: NIGHT_FORECASTS, until: period.until }) : { forecasts: [] },
    read(`${path}/outcomes`, { limit: OUTCOMES }),
    read(`${path}/versions`, { limit: VERSIONS, is_promoted: true }),
    read(`${path}/versions`, { limit: 1 }),
    read(`${path}/quality`, daysOf(period)),
  ]);
  if (!isNewest()) return;
  const zone = shown.ticker.exchange_timezone;
  showNight(newestNight(forecasts), zone);
  panels.showOutcomes(find("outcomes"), outcomes, zone);
  panels.showVersions(find("versions"), versions, zone);
  const [challenger] = newer.versions;
  find("challenger").textContent = challenger && !challenger.is_promoted
    ? `A challenger is being trained, the newest weights at ${moment(challenger.as_of, zone)}. ${panels.versionReason(challenger)}` : "";
  panels.showQuality(find("quality"), find("faults"), days);
}

const newestFirst = (one, other) => other.day_exchange.localeCompare(one.day_exchange);

/** A period as days on the exchange's clock; one that ends now has the days ahead too. */
function daysOf({ since, until }) {
  const end = until || new Date(Date.now() + LATER_DAYS * 86_400_000).toISOString();
  return { since_day: since.slice(0, 10), until_day: end.slice(0, 10) };
}

function showState(ticker, events) {
  const title = ticker.name ? [`${ticker.ticker} `, element("small", {}, ticker.name)] : [ticker.ticker];
  find("name").replaceChildren(...title);
  find("state").replaceChildren(...stateElements(ticker));
  find("requests").replaceChildren(...requestLinks(ticker));
  const zone = ticker.exchange_timezone;
  const cards = [];
  if (ticker.price !== null) {
    cards.push(
      card("Price", `${price(ticker.price)} ${ticker.currency ?? ""}`, `${ticker.is_refresh ? "extended hours, " : ""}${moment(ticker.price_at, zone)}`),
      card("Next target", moment(ticker.next_target_at, zone) || "none ahead", distance(ticker.next_target_at)),
      card("Median move", percent(ticker.median_move_ratio, true), `to ${price(ticker.q50)}`),
      card("90 % interval", `${price(ticker.q05)} to ${price(ticker.q95)}`, `width ${percent(ticker.interval_90_ratio)} of the price`),
      card("Coverage, 30 days", ticker.coverage_90_ratio === null ? "not scored yet" : `${(100 * ticker.coverage_90_ratio).toFixed(0)} %`,
        `${ticker.scored_count} forecasts were scored; the aim is 90 %`),
    );
  }
  if (ticker.reasons) cards.push(card("Why it is as wide as it is", "", ticker.reasons, ...citedReport(ticker, events)));
  find("summary").replaceChildren(...cards);
}

/** Links to the form for tickers, filled in with what can be requested in a status. */
function requestLinks({ ticker, status }) {
  const ended = { add: "Track again" };
  const requests = { active: { retire: "Retire", retrain: "Train again" }, retired: ended, rejected: ended, failed: ended };
  return Object.entries(requests[status] ?? { retire: "Retire" }).flatMap(([action, title]) => [
    element("a", { href: `../add?${new URLSearchParams({ [action]: ticker })}` }, title), " ",
  ]);
}

function card(title, value, remark, ...more) {
  return element("div", { class: "card" }, element("small", {}, title), element("strong", {}, value), element("small", {}, remark, ...more));
}

/** The filing of the report that the forecast's reasons name, or else of the newest one that the forecast knew. */
function citedReport({ reasons, as_of: asOf }, events) {
  const { report, isNamed } = reportBehind(events, reasons, asOf);
  if (!report) return [];
  return [isNamed ? " This report is filing " : ` Last report: ${report.day_exchange}, filing `, sourceLink(report.address, report.receipt), "."];
}

function showChart() {
  const { ticker, bars, chosen } = shown;
  const zone = ticker.exchange_timezone;
  find("prices").hidden = bars.length === 0 && !view.until;
  if (find("prices").hidden) return;
  chart ??= new TickerChart(find("chart"), zone, pickForecast);
  chart.show(shown);
  find("legend").replaceChildren(...legend());
  find("chosen").hidden = !chosen;
  if (chosen) {
    const clear = element("button", { type: "button", class: "small" }, "Clear");
    clear.addEventListener("click", () => change({ forecast: "" }));
    find("chosen").replaceChildren(`The ${chosen.is_refresh ? "refreshed " : ""}forecast of ${moment(chosen.as_of, zone)}. `, clear);
  }
  find("chart-text").textContent = describe(ticker, bars, zone);
}

function describe(ticker, bars, zone) {
  if (!bars.length) return "No bars in this period. Choose a later one.";
  const last = ticker.fan.at(-1);
  const ahead = last && !view.until ? ` After ${ticker.fan.length} bars: 90 % between ${price(last.q05)} and ${price(last.q95)}.` : "";
  return `${bars.length.toLocaleString("en-US")} bars, the newest closed at ${price(bars.at(-1).close)}, ${moment(bars.at(-1).closed_at, zone)}.${ahead} ` +
    "Choose a bar in the chart to see the forecast that was made at its close.";
}

function legend() {
  return [
    view.until ? null : ["ours", "The coming bars: 90 % and 50 % intervals, median"],
    view.past === "ranges" ? ["walk", "90 % ranges forecast one bar ahead"] : null,
    view.past === "fans" ? ["walk", "Past forecasts of seven bars"] : null,
    view.forecast ? ["har", "The chosen forecast"] : null,
    view.events ? ["event", "R report, F filed annual or quarterly report, A announcement, D dividend, S split, B backbone"] : null,
  ].filter(Boolean).map(([kind, text]) => element("span", { class: `key ${kind}` }, text));
}

function pickForecast(time) {
  const bar = shown.bars.find((each) => seconds(each.closed_at) === time);
  const next = shown.bars.find((each) => seconds(each.closed_at) > time);
  if (!bar) return;
  // the last forecast before the next bar closed, without that instant itself
  const end = next ? new Date(Date.parse(next.closed_at) - 1000) : new Date();
  change({ forecast: end.toISOString() });
}

function showNight(night, zone) {
  const holder = find("night-figure");
  const section = find("night");
  section.hidden = false; // it has a width only while it is shown
  const figure = view.night ? nightFigure(night, zone, Math.max(280, holder.clientWidth)) : null;
  section.hidden = figure === null;
  holder.replaceChildren(...(figure ? [figure] : []));
  if (figure) panels.showMoves(find("moves"), night, zone);
}

function resized() {
  if (shown) load();
}

setUp();
followTheme(() => chart?.recolor());
offerQuestions(find("question"), find("answer"), name, () => periodOf(view).until);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", ({ target }) => change({ [target.name]: target.type === "checkbox" ? target.checked : target.value }));
horizon.addEventListener("change", () => change({ horizon: horizon.value }));
addEventListener("popstate", () => {
  view = readAddress(location.search);
  fillForm();
  load();
});
matchMedia("(max-width: 720px)").addEventListener("change", resized);
setInterval(load, REFRESH_SECONDS * 1000);
load();
