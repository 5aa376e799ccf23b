// The page that adds and retires tickers. A request is a run of the DAG onboard_ticker, started with the rights of
// the person who asks; the page checks the names before, and shows what becomes of each.

import { isPaused, requestTickers } from "./airflow.js";
import { read } from "./api.js";
import { element } from "./dom.js";
import { watch, watchRun } from "./requests.js";
import { showFailure, showNotice } from "./states.js";
import { followTheme } from "./theme.js";

const NAMES_EACH = 100; // what the API checks at once
const TYPING_MILLISECONDS = 300;
const ACTIONS = {
  add: ["Add", "Forecasts begin with the next hour after the ticker is set up.", (tickers) => ({ tickers })],
  retire: ["Retire", "Forecasts stop. The history stays, and you can undo it.", (tickers) => ({ retire_tickers: tickers })],
  retrain: ["Train again", "The history is fetched again, and the model is trained from the start.",
    (tickers) => ({ tickers, retrain: true })],
};

const form = document.querySelector("#form");
const notice = document.querySelector("#notice");
const list = document.querySelector("#checks");
const button = form.querySelector("button");
let accepted = [];
let newest = 0;

function names() {
  return form.names.value.split(/[\s,;]+/).filter(Boolean);
}

async function check() {
  const number = ++newest;
  const action = form.action.value;
  const typed = names();
  showButton(action, []);
  try {
    const checks = await checkAll(typed, action);
    if (number !== newest) return;
    showNotice(notice);
    showChecks(checks);
    showButton(action, checks.filter((found) => found.is_accepted).map((found) => found.ticker));
  } catch (error) {
    if (number === newest) showFailure(notice, error);
  }
}

/** Checks of all names; a name twice is found here, as the API sees only some of them at once. */
async function checkAll(typed, action) {
  const seen = new Set();
  const checks = [];
  for (let start = 0; start < typed.length; start += NAMES_EACH) {
    const found = await read("names", { name: typed.slice(start, start + NAMES_EACH), action });
    for (const one of found.checks) {
      const isDouble = one.is_accepted && seen.has(one.ticker);
      checks.push(isDouble ? { ...one, is_accepted: false, detail: "Named twice; once is enough." } : one);
      seen.add(one.ticker);
    }
  }
  return checks;
}

function showChecks(checks) {
  const remarks = checks.filter((found) => found.detail);
  const plain = checks.filter((found) => !found.detail);
  list.replaceChildren(
    element("ul", { class: "names" }, ...plain.map((found) => element("li", { class: "good" }, `\u2713 ${found.ticker}`))),
    element("ul", { class: "remarks" }, ...remarks.map(remark)),
  );
}

function remark({ name, ticker, is_accepted: isAccepted, detail }) {
  const mark = isAccepted ? "\u2713" : "\u2715";
  return element("li", {}, element("b", { class: isAccepted ? "good" : "bad" }, `${mark} ${isAccepted ? ticker : name}`), ` ${detail}`);
}

function showButton(action, tickers) {
  accepted = tickers;
  const [word, meaning] = ACTIONS[action];
  document.querySelector("#meaning").textContent = meaning;
  button.disabled = !tickers.length;
  button.textContent = tickers.length ? `${word}: ${tickers.length} ${tickers.length === 1 ? "ticker" : "tickers"}` : word;
}

async function submit(event) {
  event.preventDefault();
  if (!accepted.length) return;
  const action = form.action.value;
  await ask(ACTIONS[action][2](accepted));
}

/** Requests a run with these parameters and watches it; the form is emptied only if Airflow took it. */
async function ask(conf) {
  button.disabled = true;
  try {
    const runId = await requestTickers(conf);
    form.names.value = "";
    await check();
    showNotice(notice, "Requested. What becomes of it is shown below, and stays there when you leave.");
    watchRun(runId);
    if (await isPaused()) showNotice(notice, "Requested, but the DAG onboard_ticker is paused. Start it in Airflow; the request waits.");
  } catch (error) {
    showFailure(notice, error);
    button.disabled = !accepted.length;
  }
}

function setUp() {
  const given = new URLSearchParams(location.search);
  for (const action of Object.keys(ACTIONS)) {
    if (!given.get(action)) continue;
    form.action.value = action;
    form.names.value = given.get(action);
  }
}

setUp();
followTheme();
let timer;
form.addEventListener("input", () => {
  newest += 1; // what is on its way is about older names
  button.disabled = true;
  clearTimeout(timer);
  timer = setTimeout(check, TYPING_MILLISECONDS);
});
form.addEventListener("submit", submit);
check();
watch(ask);
