// The page of all tickers. The server sorts, filters and pages; the address holds what is shown.

import { read } from "./api.js";
import { element } from "./dom.js";
import { distance, percent, price, shortMoment } from "./format.js";
import { showModels } from "./models.js";
import { coverageElements, harSkillElements, skillElements } from "./skill.js";
import { sparkline } from "./spark.js";
import { showFailure, showNotice, stateElements, stateSentence, stateTitles } from "./states.js";
import { followTheme } from "./theme.js";

const REFRESH_SECONDS = 60;
const COUNTDOWN_SECONDS = 10;
const OPERATION_DAYS = 30;
const OPERATIONS = 5;
const SORTS = {
  ticker: "Ticker", freshness: "State", target_at: "Next target", last_bar_closed_at: "Newest bar",
  median_move_ratio: "Median move", interval_90_ratio: "90 % interval", crps_skill_ratio: "Skill against last close",
  har_crps_skill_ratio: "Skill against HAR", coverage_90_ratio: "Coverage", status: "Status",
};
const GREATEST_FIRST = new Set(["interval_90_ratio", "crps_skill_ratio", "har_crps_skill_ratio", "coverage_90_ratio", "median_move_ratio"]);

const form = document.querySelector(".filters");
const chips = document.querySelector(".chips");
const body = document.querySelector("#tickers tbody");
const notice = document.querySelector("#notice");
const meaning = document.querySelector("#meaning");
const position = document.querySelector("#position");
const buttons = { previous: document.querySelector("#previous"), next: document.querySelector("#next") };
const heads = [...document.querySelectorAll("th[data-sort]")];
let freshness = "";
let page = 1;
let newest = 0;
let loadedAt = null;

function setUpFilters() {
  form.sort.append(...Object.entries(SORTS).map(([value, title]) => element("option", { value }, title)));
  for (const head of heads) {
    const button = element("button", { type: "button" }, ...head.childNodes);
    button.addEventListener("click", () => sortBy(head.dataset.sort));
    head.replaceChildren(button);
  }
  const given = new URLSearchParams(location.search);
  if (given.get("calendar")) form.calendar.append(element("option", { value: given.get("calendar") }, given.get("calendar")));
  for (const name of ["search", "calendar", "sort"]) {
    if (given.get(name)) form[name].value = given.get(name);
  }
  form.is_descending.checked = given.get("is_descending") === "true";
  freshness = given.get("freshness") ?? "";
  page = Math.max(1, Number.parseInt(given.get("page") ?? "1", 10) || 1);
}

function chosen() {
  return {
    search: form.search.value.trim(), calendar: form.calendar.value, freshness,
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
  showSort(values);
  try {
    const found = await read("tickers", values);
    if (number !== newest) return;
    loadedAt = new Date();
    show(found, values);
  } catch (error) {
    if (number === newest) showOutage(error);
  }
}

/** Drift, and the newest operations on the backbones. A failure is said by the table, which reads at the same time. */
async function loadModels() {
  const since = new Date(Date.now() - OPERATION_DAYS * 86_400_000).toISOString();
  try {
    showModels(document.querySelector("#models"), await read("models", { limit: OPERATIONS, since }));
  } catch {
    // what was shown before stays
  }
}

/** What was loaded before stays, marked as old: an outage must not look like a page without tickers. */
function showOutage(error) {
  showFailure(notice, error);
  body.classList.toggle("old", body.childElementCount > 0);
  if (loadedAt) notice.append(` The table is from ${loadedAt.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}.`);
}

function show(found, values) {
  body.classList.remove("old");
  body.replaceChildren(...found.tickers.map(row));
  showCalendars(found.calendars);
  showChips(found.freshness_counts);
  const last = Math.max(1, Math.ceil(found.ticker_count / found.page_size));
  position.textContent = `Page ${found.page} of ${last}, ${found.ticker_count.toLocaleString("en-US")} ${found.ticker_count === 1 ? "ticker" : "tickers"}`;
  position.parentElement.hidden = found.ticker_count === 0;
  buttons.previous.disabled = found.page <= 1;
  buttons.next.disabled = found.page >= last;
  const isFiltered = values.search || values.calendar || values.freshness;
  if (found.tickers.length) showNotice(notice);
  else if (found.ticker_count) turn(last - page);
  else if (isFiltered) showNotice(notice, "No ticker matches. Change the search or the filters.");
  else showNotice(notice, "No tickers yet. ", element("a", { href: "add" }, "Add the first ones."));
}

function showCalendars(calendars) {
  const present = new Set([...form.calendar.options].map((option) => option.value));
  form.calendar.append(...calendars.filter((name) => !present.has(name)).map((name) => element("option", { value: name }, name)));
}

/** A radio button for each state that a ticker has, with their number. */
function showChips(counts) {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const shown = [["", "All", all], ...stateTitles.map(([key, title]) => [key, title, counts[key] ?? 0])];
  const isFocused = chips.contains(document.activeElement);
  chips.replaceChildren(chips.querySelector("legend"), ...shown.filter(([key, , count]) => count || key === freshness || !key).map(chip));
  if (isFocused) chips.querySelector(":checked")?.focus();
  meaning.hidden = !freshness;
  meaning.textContent = stateSentence(freshness);
}

function chip([key, title, count]) {
  const input = element("input", { type: "radio", name: "freshness", value: key });
  input.checked = key === freshness;
  return element("label", {}, input, `${title} `, element("b", {}, count.toLocaleString("en-US")));
}

function sortBy(column) {
  const isSame = form.sort.value === column;
  form.is_descending.checked = isSame ? !form.is_descending.checked : GREATEST_FIRST.has(column);
  form.sort.value = column;
  page = 1;
  load();
}

function showSort({ sort, is_descending: isDescending }) {
  for (const head of heads) {
    if (head.dataset.sort === sort) head.setAttribute("aria-sort", isDescending ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
}

function row(ticker) {
  const zone = ticker.exchange_timezone;
  const link = element("a", { href: `ticker/${encodeURIComponent(ticker.ticker)}` }, ticker.ticker);
  const countdown = element("small", { "data-countdown": ticker.next_target_at }, distance(ticker.next_target_at));
  return element(
    "tr", {},
    element("th", { scope: "row" }, link, element("small", { class: "name", title: ticker.name }, ticker.name),
      element("small", {}, ticker.calendar)),
    cell("State", "state", ...stateElements(ticker, true)),
    cell("Last price", "number", joined(price(ticker.price), ticker.currency), priceTime(ticker)),
    cell(null, "", sparkline(ticker)),
    cell("Next target", "target", shortMoment(ticker.next_target_at, zone), ticker.next_target_at ? countdown : null),
    cell("Median move", "number", percent(ticker.median_move_ratio, true)),
    cell("90 % interval", "interval", ...interval(ticker)),
    cell("Skill, last close", "number", ...skillElements(ticker)),
    cell("Skill, HAR", "number", ...harSkillElements(ticker)),
    cell("Coverage", "number", ...coverageElements(ticker)),
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
  return element("small", {}, (ticker.is_refresh ? "extended hours, " : "") + shortMoment(ticker.price_at, ticker.exchange_timezone));
}

function interval(ticker) {
  if (ticker.q05 === null) return [];
  return [
    `${price(ticker.q05)} to ${price(ticker.q95)}`,
    element("small", {}, `width ${percent(ticker.interval_90_ratio)}`),
    ticker.reasons ? element("small", { class: "reasons", title: ticker.reasons }, ticker.reasons) : null,
  ];
}

function later(action, milliseconds) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}

function turn(by) {
  page = Math.max(1, page + by);
  load();
}

setUpFilters();
followTheme();
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", (event) => {
  if (event.target.name === "freshness") freshness = event.target.value;
});
form.addEventListener("input", later(() => { page = 1; load(); }, 200));
buttons.previous.addEventListener("click", () => turn(-1));
buttons.next.addEventListener("click", () => turn(1));
setInterval(load, REFRESH_SECONDS * 1000);
setInterval(loadModels, REFRESH_SECONDS * 1000);
setInterval(() => {
  for (const node of document.querySelectorAll("[data-countdown]")) node.textContent = distance(node.dataset.countdown);
}, COUNTDOWN_SECONDS * 1000);
load();
loadModels();
