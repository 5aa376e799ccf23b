// The page of one ticker. The address names the ticker, the period and a past forecast.

import { read } from "./api.js";
import { TickerChart } from "./chart.js";
import { element, fillTable } from "./dom.js";
import { distance, moment, percent, price } from "./format.js";
import { showFailure, showNotice, stateElements } from "./states.js";
import { followTheme } from "./theme.js";

const REFRESH_SECONDS = 60;
const FORECASTS = 200;
const OUTCOMES = 24;
const MOVES = 12;
const PERIODS = [60, 120, 250, 500, 1500];

const name = decodeURIComponent(location.pathname.split("/").at(-1));
const path = `tickers/${encodeURIComponent(name)}`;
const notice = document.querySelector("#notice");
const period = document.querySelector("#period");
const past = document.querySelector("#past");
let chart = null;

function setUp() {
  document.title = `${name} - forecast`;
  document.querySelector("#name").textContent = name;
  period.append(...PERIODS.map((bars) => element("option", { value: bars }, `${bars} bars`)));
  const given = new URLSearchParams(location.search);
  period.value = PERIODS.includes(Number(given.get("bars"))) ? given.get("bars") : "120";
  past.append(element("option", { value: "" }, "none"));
  const asOf = given.get("forecast");
  if (asOf) past.append(element("option", { value: asOf, selected: "" }, asOf));
}

function keepAddress() {
  const kept = { bars: period.value === "120" ? "" : period.value, forecast: past.value };
  const query = new URLSearchParams(Object.entries(kept).filter(([, value]) => value));
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
}

async function load() {
  keepAddress();
  try {
    const [ticker, { bars }, { forecasts }, { outcomes }] = await Promise.all([
      read(path),
      read(`${path}/bars`, { limit: period.value }),
      read(`${path}/forecasts`, { limit: FORECASTS }),
      read(`${path}/outcomes`, { limit: OUTCOMES }),
    ]);
    showNotice(notice);
    showState(ticker);
    showPast(forecasts, ticker.exchange_timezone);
    showChart(ticker, bars, forecasts);
    showBars(ticker);
    showMoves(forecasts, ticker.exchange_timezone);
    showOutcomes(outcomes, ticker.exchange_timezone);
  } catch (error) {
    showFailure(notice, error);
  }
}

function showState(ticker) {
  const title = ticker.name ? [`${ticker.ticker} `, element("small", {}, ticker.name)] : [ticker.ticker];
  document.querySelector("#name").replaceChildren(...title);
  document.querySelector("#state").replaceChildren(...stateElements(ticker));
  const zone = ticker.exchange_timezone;
  const cards = [];
  if (ticker.price !== null) {
    cards.push(
      card("Price", `${price(ticker.price)} ${ticker.currency ?? ""}`, `${ticker.is_refresh ? "extended hours, " : ""}${moment(ticker.price_at, zone)}`),
      card("Next target", moment(ticker.next_target_at, zone), distance(ticker.next_target_at)),
      card("Median move", percent(ticker.median_move_ratio, true), `to ${price(ticker.q50)}`),
      card("90 % interval", `${price(ticker.q05)} to ${price(ticker.q95)}`, `width ${percent(ticker.interval_90_ratio)} of the price`),
      card("Coverage, 30 days", ticker.coverage_90_ratio === null ? "not scored yet" : `${(100 * ticker.coverage_90_ratio).toFixed(0)} %`,
        `${ticker.scored_count} forecasts were scored; the aim is 90 %`),
    );
  }
  if (ticker.reasons) cards.push(card("Why it is as wide as it is", "", ticker.reasons));
  document.querySelector("#summary").replaceChildren(...cards);
}

function card(title, value, remark) {
  return element("div", { class: "card" }, element("small", {}, title), element("strong", {}, value), element("small", {}, remark));
}

function showPast(forecasts, zone) {
  const chosen = past.value;
  const options = forecasts.map((forecast) =>
    element("option", { value: forecast.as_of }, `${moment(forecast.as_of, zone)}${forecast.is_refresh ? ", refreshed" : ""}`));
  past.replaceChildren(element("option", { value: "" }, "none"), ...options);
  past.value = forecasts.some((forecast) => forecast.as_of === chosen) ? chosen : "";
}

function showChart(ticker, bars, forecasts) {
  const holder = document.querySelector("#chart");
  holder.closest("section").hidden = bars.length === 0;
  if (!bars.length) return;
  chart ??= new TickerChart(holder, ticker.exchange_timezone);
  chart.show(ticker, bars, forecasts, forecasts.find((forecast) => forecast.as_of === past.value));
  const last = ticker.fan.at(-1);
  const ahead = last ? ` After ${ticker.fan.length} bars: 90 % between ${price(last.q05)} and ${price(last.q95)}.` : "";
  document.querySelector("#chart-text").textContent =
    `${bars.length} bars, the newest closed at ${price(bars.at(-1).close)}, ${moment(bars.at(-1).closed_at, ticker.exchange_timezone)}.${ahead} ` +
    "Grey: the 90 % ranges forecast one bar ahead. Blue: the coming bars. Orange: the past forecast that you choose.";
}

function showBars(ticker) {
  const rows = ticker.fan.map((bar) => [
    number(String(bar.horizon)), moment(bar.target_at, ticker.exchange_timezone), number(price(bar.q50)),
    number(`${price(bar.q25)} to ${price(bar.q75)}`), number(`${price(bar.q05)} to ${price(bar.q95)}`),
  ]);
  fillTable(document.querySelector("#bars"), ["Bar", "Closes", "Median", "50 % interval", "90 % interval"], rows);
}

function showMoves(forecasts, zone) {
  const rows = forecasts.slice(0, MOVES).map((forecast) => {
    const [next] = forecast.bars;
    return [
      moment(forecast.as_of, zone), forecast.is_refresh ? "refreshed" : "regular",
      number(price(forecast.believed_price ?? forecast.last_close)), moment(next.target_at, zone), number(price(next.q50)),
      number(`${price(next.q05)} to ${price(next.q95)}`), number(price(next.actual_close)), inside(next),
    ];
  });
  fillTable(document.querySelector("#moves"),
    ["Made", "Kind", "From price", "Next target", "Median", "90 % interval", "Actual close", "Inside"], rows);
}

function inside(bar) {
  if (bar.is_inside_90 === null) return "";
  return bar.is_inside_90 ? "yes" : "no";
}

function showOutcomes(outcomes, zone) {
  const rows = outcomes.map((outcome) => [moment(outcome.as_of, zone), outcome.status, outcome.stage, outcome.reason ?? ""]);
  fillTable(document.querySelector("#outcomes"), ["Hour", "Result", "Last stage", "Reason"], rows);
}

function number(text) {
  return element("td", { class: "number" }, text);
}

setUp();
followTheme(() => chart?.recolor());
period.addEventListener("change", load);
past.addEventListener("change", load);
setInterval(load, REFRESH_SECONDS * 1000);
load();
