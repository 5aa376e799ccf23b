// What the page says about a ticker's state. An outage and a quiet market must not look the same.

import { element } from "./dom.js";

const STATES = {
  current: ["good", "Current", "The forecast bar is trading now."],
  market_closed: ["soft", "Market closed", "The forecast is for the next session. Nothing is missing."],
  due: ["soft", "Due", "The bar has just closed. The next run forecasts at about minute 35."],
  late: ["warn", "Late", "A new forecast should be here by now. Look at the runs of hourly_forecast."],
  stale: ["warn", "Stale", "The source has sent no bars for whole sessions, so there are no new forecasts."],
  no_data: ["soft", "No data yet", "The ticker is being set up. Its first forecast comes by itself."],
  failed: ["bad", "Failed", "The source has sent no bars for a long time."],
  rejected: ["bad", "Refused", "The ticker could not be added."],
  retired: ["soft", "Retired", "The ticker is no longer tracked."],
};

const BRIEFLY = {
  due: "Next run at about minute 35.", late: "A run is missing.", no_data: "Is being set up.", stale: "No new bars.",
};

/** The states that a ticker can have, as [key, title], in the order of the filter. */
export const stateTitles = Object.entries(STATES).map(([key, [, title]]) => [key, title]);

/** What a state means, in a sentence; empty for no state. */
export function stateSentence(key) {
  const [, title, sentence] = STATES[key] ?? [];
  return title ? `${title}: ${sentence}` : "";
}

/**
 * Elements that say a ticker's state, why, and whether its market is simulated. In brief, a state that needs no
 * attention is its badge alone.
 */
export function stateElements(ticker, isBrief = false) {
  const [kind, title, meaning] = STATES[ticker.freshness] ?? ["soft", ticker.freshness, ""];
  const sentence = isBrief ? BRIEFLY[ticker.freshness] : meaning;
  const reason = ticker.status_reason ?? ticker.fallback_reason;
  return [
    element("span", { class: `badge ${kind}`, title: meaning }, title),
    ticker.is_simulated ? element("span", { class: "badge warn", title: "Made-up prices, to try things out." }, "Simulated") : null,
    ticker.is_fallback ? element("span", { class: "badge warn" }, "Fallback: random walk") : null,
    element("small", {}, [sentence, reason].filter(Boolean).join(" ")),
  ].filter(Boolean);
}

/** Shows a failure of the API in the notice, as what it is; `otherwise` is the title of one that has none of its own. */
export function showFailure(notice, error, otherwise = "Something went wrong") {
  const titles = {
    "database-down": "The database does not respond",
    "not-configured": "The page has no database",
    offline: "No connection to Airflow",
    login: "You are logged out",
    "not-found": "Unknown ticker",
  };
  notice.className = "bad";
  notice.replaceChildren(element("strong", {}, `${titles[error.code] ?? otherwise}. `), error.message);
}

/** Clears the notice, or shows text and elements in it. */
export function showNotice(notice, ...content) {
  notice.className = "";
  notice.replaceChildren(...content);
}
