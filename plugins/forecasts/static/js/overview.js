// The page of all tickers. The server sorts, filters and pages; the address holds what is shown.

import { read } from "./api.js";
import { element } from "./dom.js";
import { distance, moment, percent, price } from "./format.js";
import { sparkline } from "./spark.js";
import { showFailure, showNotice, stateElements, stateTitles } from "./states.js";
import { followTheme } from "./theme.js";

const REFRESH_SECONDS = 60;
const COUNTDOWN_SECONDS = 10;
const SORTS = {
  ticker: "Ticker", freshness: "Freshness", target_at: "Next target", last_bar_closed_at: "Newest bar",
  median_move_ratio: "Median move", interval_90_ratio: "90 % interval", status: "Status",
};

const form = document.querySelector(".filters");
const body = document.querySelector("#tickers tbody");
const notice = document.querySelector("#notice");
const position = document.querySelector("#position");
const buttons = { previous: document.querySelector("#previous"), next: document.querySelector("#next") };
let page = 1;
let newest = 0;

function setUpFilters() {
  form.sort.append(...Object.entries(SORTS).map(([value, title]) => element("option", { value }, title)));
  form.freshness.append(...stateTitles.map(([value, title]) => element("option", { value }, title)));
  const given = new URLSearchParams(location.search);
  if (given.get("calendar")) form.calendar.append(element("option", { value: given.get("calendar") }, given.get("calendar")));
  for (const name of ["search", "calendar", "freshness", "sort"]) {
    if (given.get(name)) form[name].value = given.get(name);
  }
  form.is_descending.checked = given.get("is_descending") === "true";
  page = Math.max(1, Number.parseInt(given.get("page") ?? "1", 10) || 1);
}

function chosen() {
  return {
    search: form.search.value.trim(), calendar: form.calendar.value, freshness: form.freshness.value,
    sort: form.sort.value || "ticker", is_descending: form.is_descending.checked ? "true" : "", page: page > 1 ? page : "",
  };
}

function keepAddress(values) {
  const kept = Object.entries(values).filter(([name, value]) => value !== "" && !(name === "sort" && value === "ticker"));
  history.replaceState(null, "", kept.length ? `?${new URLSearchParams(kept)}` : location.pathname);
}

async function load() {
  const values = chosen();
  const number = ++newest;
  keepAddress(values);
  try {
    const found = await read("tickers", values);
    if (number === newest) show(found, values);
  } catch (error) {
    if (number === newest) {
      body.replaceChildren();
      position.replaceChildren();
      showFailure(notice, error);
    }
  }
}

function show(found, values) {
  body.replaceChildren(...found.tickers.map(row));
  showCalendars(found.calendars);
  const last = Math.max(1, Math.ceil(found.ticker_count / found.page_size));
  position.textContent = `Page ${found.page} of ${last}, ${found.ticker_count} tickers`;
  buttons.previous.disabled = found.page <= 1;
  buttons.next.disabled = found.page >= last;
  const isFiltered = values.search || values.calendar || values.freshness;
  if (found.ticker_count) showNotice(notice);
  else if (isFiltered) showNotice(notice, "No ticker matches. Change the search or the filters.");
  else showNotice(notice, "No tickers yet. Start the DAG onboard_ticker to add the first ones.");
}

function showCalendars(calendars) {
  const present = new Set([...form.calendar.options].map((option) => option.value));
  form.calendar.append(...calendars.filter((name) => !present.has(name)).map((name) => element("option", { value: name }, name)));
}

function row(ticker) {
  const zone = ticker.exchange_timezone;
  const link = element("a", { href: `ticker/${encodeURIComponent(ticker.ticker)}` }, ticker.ticker);
  const countdown = element("small", { "data-countdown": ticker.next_target_at }, distance(ticker.next_target_at));
  const range = ticker.q05 === null ? "" : `${price(ticker.q05)} to ${price(ticker.q95)}`;
  return element(
    "tr", {},
    element("th", { scope: "row" }, link, element("small", {}, [ticker.name, ticker.calendar].filter(Boolean).join(", "))),
    cell("State", "state", ...stateElements(ticker)),
    cell("Last price", "number", joined(price(ticker.price), ticker.currency), priceTime(ticker)),
    cell(null, "", sparkline(ticker)),
    cell("Next target", "", moment(ticker.next_target_at, zone), ticker.next_target_at ? countdown : null),
    cell("Median move", "number", percent(ticker.median_move_ratio, true)),
    cell("90 % interval", "number", range, range ? element("small", {}, `width ${percent(ticker.interval_90_ratio)}`) : null),
    cell("Reasons", "reasons", ticker.reasons),
    cell("Coverage, 30 days", "number", ...coverage(ticker)),
  );
}

function cell(label, kind, ...children) {
  const filled = children.filter((child) => child);
  return element("td", filled.length ? { "data-label": label, class: kind } : { class: kind }, ...filled);
}

function joined(...parts) {
  return parts[0] ? parts.filter(Boolean).join(" ") : "";
}

function priceTime(ticker) {
  if (!ticker.price_at) return null;
  return element("small", {}, (ticker.is_refresh ? "extended hours, " : "") + moment(ticker.price_at, ticker.exchange_timezone));
}

function coverage({ coverage_90_ratio: ratio, scored_count: count, next_target_at: target }) {
  if (ratio === null) return target ? [element("small", {}, "not scored yet")] : [];
  return [`${(100 * ratio).toFixed(0)} %`, element("small", {}, `of ${count}; the aim is 90 %`)];
}

function later(action, milliseconds) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}

function turn(by) {
  page += by;
  load();
}

setUpFilters();
followTheme();
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", later(() => { page = 1; load(); }, 250));
buttons.previous.addEventListener("click", () => turn(-1));
buttons.next.addEventListener("click", () => turn(1));
setInterval(load, REFRESH_SECONDS * 1000);
setInterval(() => {
  for (const node of document.querySelectorAll("[data-countdown]")) node.textContent = distance(node.dataset.countdown);
}, COUNTDOWN_SECONDS * 1000);
load();
