// The page that compares our forecasts with the random walk and HAR. The address holds what is chosen.

import { read } from "./api.js";
import { element, fillTable } from "./dom.js";
import { dailyBars, skillRange } from "./plots.js";
import { skillText, verdictElement } from "./skill.js";
import { showFailure, showNotice } from "./states.js";
import { followTheme } from "./theme.js";

const REFRESH_SECONDS = 300;
const DAYS = { 7: "Last 7 days", 30: "Last 30 days", 90: "Last 90 days", all: "All time", chosen: "From … to …" };
const HORIZONS = 7;
const METHODS = ["hourcast", "random_walk", "seasonal_har"];
const COLUMNS = [
  "Days", "Tickers", "Forecasts", "CRPS: ours", "random walk", "HAR", "Skill against random walk",
  "Skill against HAR", "Coverage: ours", "random walk", "HAR",
];

const form = document.querySelector(".filters");
const notice = document.querySelector("#notice");
const find = (name) => document.querySelector(`#${name}`);
let newest = 0;

function setUp() {
  form.days.append(...Object.entries(DAYS).map(([value, title]) => element("option", { value }, title)));
  form.horizon.append(...Array.from({ length: HORIZONS }, (_, index) => element("option", { value: index + 1 }, index + 1)));
  const given = new URLSearchParams(location.search);
  form.days.value = given.get("days") in DAYS ? given.get("days") : "30";
  for (const name of ["since", "until"]) form[name].value = given.get(name) ?? "";
  if (form.since.value || form.until.value) form.days.value = "chosen";
  form.horizon.value = given.get("horizon") ?? "1";
  form.is_refresh.value = given.get("is_refresh") === "true" ? "true" : "";
  const isSimulated = given.get("is_simulated") ?? "";
  form.market.append(element("option", { value: market(isSimulated, given.get("calendar") ?? ""), selected: "" }, "All markets"));
}

/** The value of the option of a market. */
function market(isSimulated, calendar) {
  return `${isSimulated}/${calendar}`;
}

function chosen() {
  const [isSimulated, ...calendar] = form.market.value.split("/");
  const isChosen = form.days.value === "chosen";
  for (const input of [form.since, form.until]) input.parentElement.hidden = !isChosen;
  return {
    days: isChosen ? "all" : form.days.value, since: isChosen ? form.since.value : "", until: isChosen ? form.until.value : "",
    horizon: form.horizon.value || "1", is_refresh: form.is_refresh.value,
    calendar: calendar.join("/"), is_simulated: isSimulated,
  };
}

function keepAddress(values) {
  const usual = { days: values.since || values.until ? "all" : "30", horizon: "1" };
  const kept = Object.entries(values).filter(([name, value]) => value !== "" && usual[name] !== value);
  history.replaceState(null, "", kept.length ? `?${new URLSearchParams(kept)}` : location.pathname);
}

async function load() {
  const values = chosen();
  const number = ++newest;
  keepAddress(values);
  try {
    const found = await read("scores", values);
    if (number !== newest) return;
    showNotice(notice);
    show(found, values);
  } catch (error) {
    if (number === newest) showFailure(notice, error);
  }
}

function show(found, { horizon, calendar }) {
  const rows = grouped(found.methods);
  const shown = rows.filter((row) => row.isSimulated === found.is_simulated);
  const scale = Math.max(...shown.flatMap((row) => [reach(row.random_walk), reach(row.seasonal_har)]), 0.001);
  find("sentence").textContent = found.sentence;
  find("simulated").hidden = !found.is_simulated;
  find("scores").hidden = rows.length === 0;
  showMarkets(rows.filter((row) => String(row.horizon) === horizon), found.is_simulated, calendar);
  const markets = shown.filter((row) => String(row.horizon) === horizon);
  fillTable(find("markets"), ["Market", ...COLUMNS], markets.map((row) => cells(row.calendar ?? "All markets", row, scale)));
  const horizons = shown.filter((row) => (row.calendar ?? "") === calendar);
  fillTable(find("horizons"), ["Bars ahead", ...COLUMNS], horizons.map((row) => cells(String(row.horizon), row, scale)));
  showDaily(found.daily);
  showRanks(found);
}

/** The rows of methods as one row for each market and horizon. */
function grouped(methods) {
  const groups = new Map();
  for (const score of methods) {
    const key = `${score.is_simulated} ${score.calendar} ${score.horizon}`;
    if (!groups.has(key)) groups.set(key, { calendar: score.calendar, isSimulated: score.is_simulated, horizon: score.horizon });
    groups.get(key)[score.method] = score;
  }
  return [...groups.values()];
}

function reach(score) {
  return score?.crps_skill_ratio == null ? 0 : Math.abs(score.crps_skill_ratio) + 2 * (score.crps_skill_error ?? 0);
}

function cells(name, row, scale) {
  const { hourcast: ours, random_walk: walk, seasonal_har: har } = row;
  const best = METHODS.find((method) => row[method]?.place === 1);
  const crps = (method) => number(row[method]?.mean_crps?.toFixed(2), method === best ? "best" : "");
  return [
    element("th", { scope: "row" }, name), number(ours?.day_count), number(ours?.ticker_count), number(ours?.forecast_count),
    ...METHODS.map(crps), skill(walk, scale), skill(har, scale), ...METHODS.map((method) => number(share(row[method]?.coverage_90_ratio))),
  ];
}

/** A skill in numbers and words; with a `scale`, also as a picture. */
function skill(score, scale = null) {
  if (score?.crps_skill_ratio == null) return number("");
  const { crps_skill_ratio: ratio, crps_skill_error: error } = score;
  return element("td", { class: "number" }, skillText(ratio, error), scale ? skillRange(ratio, error, scale) : null, verdictElement(score));
}

function number(value, kind = "") {
  const text = typeof value === "number" ? value.toLocaleString("en-US") : value ?? "";
  return element("td", { class: `number ${kind}`.trim() }, text);
}

function share(ratio) {
  return ratio === null || ratio === undefined ? "" : `${(100 * ratio).toFixed(1)} %`;
}

function showMarkets(rows, isSimulated, calendar) {
  const options = rows.map((row) => {
    const name = row.calendar ?? "All markets";
    return element("option", { value: market(row.isSimulated, row.calendar ?? "") }, row.isSimulated ? `${name}, simulated` : name);
  });
  if (options.length) form.market.replaceChildren(...options);
  const value = market(isSimulated, calendar);
  if ([...form.market.options].some((option) => option.value === value)) form.market.value = value;
}

function showDaily(days) {
  const known = days.filter((day) => day.crps_skill_ratio !== null);
  const better = known.filter((day) => day.crps_skill_ratio > 0).length;
  find("daily").replaceChildren(known.length ? dailyBars(known) : "");
  find("daily-text").textContent = known.length
    ? `Our CRPS was lower than the random walk's on ${better} of ${known.length} days. Bars above the line: lower.`
    : "No day has been scored yet.";
}

function showRanks({ best, worst, ranked_count: count }) {
  find("ranks").hidden = count === 0;
  find("ranks-text").textContent =
    `${count.toLocaleString("en-US")} tickers have enough days. By luck alone about one in 40 would look better by two standard errors, and one in 40 worse.`;
  const titles = (title) => [title, "Market", "Skill against random walk", "Skill against HAR", "Coverage", "Days"];
  fillTable(find("best"), titles("Best"), best.map(rank));
  fillTable(find("worst"), titles("Worst"), worst.map(rank));
}

function rank(row) {
  const link = element("a", { href: `ticker/${encodeURIComponent(row.ticker)}` }, row.ticker);
  return [
    element("th", { scope: "row" }, link), row.calendar ?? "", skill(row),
    number(skillText(row.har_crps_skill_ratio, row.har_crps_skill_error)), number(share(row.coverage_90_ratio)), number(row.day_count),
  ];
}

setUp();
followTheme();
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", load);
setInterval(load, REFRESH_SECONDS * 1000);
load();
