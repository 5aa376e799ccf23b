// The newest requests for tickers and what becomes of each ticker, from the request to its first forecast.

import { leadTo, runPath, runState } from "./airflow.js";
import { read } from "./api.js";
import { element } from "./dom.js";
import { distance, moment, price } from "./format.js";
import { sparkline } from "./spark.js";

const BUSY_SECONDS = 3;
const QUIET_SECONDS = 30;
const FRESH_MILLISECONDS = 3_600_000; // a request that has not moved for longer is not watched closely
const STEPS = {
  requested: [0, "Is being checked with its source"],
  validated: [1, "History is being fetched"],
  backfilled: [2, "First model is being trained"],
  trained: [3, "First forecast is being made"],
  forecast: [4, "Is being activated"],
};
const LAST_STEP = 5;
const RESULTS = {
  active: ["good", "Active"], already_active: ["good", "Active already"], retired: ["soft", "Retired"],
  rejected: ["bad", "Refused"], failed: ["bad", "Failed"], not_tracked: ["bad", "Is not tracked"],
  pending: ["warn", "Waits; a later hour tries again"],
};
const RUN_STATES = {
  queued: "Airflow has the request in its queue.", running: "Airflow has started.",
  failed: "The run failed before it checked the tickers. Its log in Airflow says why.",
};

const holder = document.querySelector("#requests");
const notice = document.querySelector("#requests-notice");
const started = new Map(); // id of a run without rows yet -> its state
const forecasts = new Map(); // ticker -> its first forecast
let ask = async () => {};
let shown = "";
let timer;

/** Shows the newest requests from now on; `request` starts a further one, for retiring and for undoing it. */
export function watch(request) {
  ask = request;
  load();
}

/** Shows a run at once that was just started. */
export function watchRun(runId) {
  started.set(runId, "queued");
  load();
}

async function load() {
  clearTimeout(timer);
  let isBusy = true;
  try {
    const { requests } = await read("requests");
    await Promise.all([...started.keys()].map((runId) => look(runId, requests)));
    await Promise.all(requests.filter(isNewlyActive).map(loadForecast));
    notice.textContent = requests.length || started.size ? "" : "Nobody has requested a ticker yet.";
    show(requests);
    isBusy = started.size > 0 || requests.some(isMoving);
  } catch (error) {
    notice.textContent = error.message;
  }
  clearTimeout(timer);
  timer = setTimeout(load, 1000 * (isBusy ? BUSY_SECONDS : QUIET_SECONDS));
}

async function look(runId, requests) {
  if (requests.some((row) => row.request_id === runId)) started.delete(runId);
  else started.set(runId, await runState(runId).catch(() => started.get(runId)));
}

function isMoving(row) {
  return row.result === "in progress" && Date.now() - new Date(row.updated_at) < FRESH_MILLISECONDS;
}

function isNewlyActive(row) {
  const isActive = row.result === "active" && row.ticker_status === "active";
  return isActive && !forecasts.has(row.ticker) && Date.now() - new Date(row.updated_at) < FRESH_MILLISECONDS;
}

async function loadForecast({ ticker }) {
  const found = await read(`tickers/${encodeURIComponent(ticker)}`).catch(() => null);
  if (found?.fan.length) forecasts.set(ticker, found);
}

function show(requests) {
  const state = JSON.stringify([requests, [...started], [...forecasts.keys()], Math.floor(Date.now() / 60_000)]);
  if (state === shown) return; // elements that nobody replaces keep the focus and a click that has begun
  shown = state;
  const groups = new Map();
  for (const row of requests) groups.set(row.request_id, [...(groups.get(row.request_id) ?? []), row]);
  const seen = new Set();
  const focused = document.activeElement?.dataset?.key;
  holder.replaceChildren(
    ...[...started].map(([runId, state]) => card(runId, null, element("p", {}, RUN_STATES[state] ?? `Airflow: ${state}`))),
    ...[...groups].map(([runId, rows]) => card(runId, rows[0], table(rows, seen))),
  );
  if (focused) holder.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

function card(runId, first, content) {
  const asOf = first?.as_of;
  const isOld = asOf && Date.now() - new Date(asOf) > 60_000;
  const age = isOld ? `Requested ${distance(asOf)}` : "Requested just now";
  const who = first?.requested_by ? ` by ${first.requested_by}` : "";
  const link = leadTo(element("a", {}, "Run in Airflow"), runPath("onboard_ticker", runId));
  const isRun = /^(manual|make_run|pending)/.test(runId);
  return element("article", { class: "card request-card" },
    element("header", {}, element("h3", { title: asOf ? moment(asOf, "UTC") : null }, age + who), isRun ? link : null), content);
}

function table(rows, seen) {
  const cells = rows.map((row) => {
    const isNewest = !seen.has(row.ticker);
    seen.add(row.ticker);
    return element("tr", {}, element("th", { scope: "row" }, name(row)), element("td", {}, ...progress(row)),
      element("td", { class: "number" }, isNewest ? undo(row) : null));
  });
  return element("table", { class: "plain" }, element("tbody", {}, ...cells));
}

function name({ ticker, ticker_status: status }) {
  return status ? element("a", { href: `ticker/${encodeURIComponent(ticker)}` }, ticker) : ticker;
}

function progress(row) {
  const [step, words] = STEPS[row.stage] ?? [0, row.stage];
  if (row.result === "in progress") {
    return [element("progress", { max: LAST_STEP, value: step, "aria-label": `Step ${step} of ${LAST_STEP}` }), ` ${words}`];
  }
  const [kind, title] = RESULTS[row.result] ?? ["soft", row.result];
  const found = row.result === "active" ? forecasts.get(row.ticker) : null;
  return [
    element("span", { class: `badge ${kind}` }, title),
    row.reason ? element("small", {}, row.reason) : null,
    found ? firstForecast(found) : null,
  ].filter(Boolean);
}

function firstForecast(ticker) {
  const zone = ticker.exchange_timezone;
  const range = `${price(ticker.q05)} and ${price(ticker.q95)}`;
  return element("div", { class: "first" }, sparkline(ticker),
    element("span", {}, `First forecast: 90 % between ${range} ${ticker.currency ?? ""} at ${moment(ticker.next_target_at, zone)}`));
}

/** A button that takes a result back; null where there is nothing to take back. */
function undo({ ticker, result, ticker_status: status }) {
  if (result === "retired" && status === "retired") return action(ticker, "Undo", `Track ${ticker} again`, { tickers: [ticker] });
  if (result === "active" && status === "active") return action(ticker, "Retire", `Retire ${ticker}`, { retire_tickers: [ticker] });
  return null;
}

function action(ticker, word, label, conf) {
  const button = element("button", { type: "button", "aria-label": label, "data-key": `${word} ${ticker}` }, word);
  button.addEventListener("click", () => {
    button.disabled = true;
    ask(conf);
  });
  return button;
}
