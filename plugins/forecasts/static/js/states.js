// What the page says about a ticker's state. An outage and a quiet market must not look the same.

import { element } from "./dom.js";

const STATES = {
  current: ["good", "Current", "The forecast bar is trading now."],
  market_closed: ["soft", "Market closed", "The forecast is for the next session. Nothing is missing."],
  due: ["soft", "Next forecast is due", "The bar has just closed. The next run forecasts at about minute 35."],
  late: ["warn", "Late", "A new forecast should be here by now. Look at the runs of hourly_forecast."],
  stale: ["warn", "Stale", "The source has sent no bars for whole sessions, so there are no new forecasts."],
  no_data: ["soft", "No data yet", "The ticker is being set up. Its first forecast comes by itself."],
  failed: ["bad", "Failed", "The source has sent no bars for a long time."],
  rejected: ["bad", "Refused", "The ticker could not be added."],
  retired: ["soft", "Retired", "The ticker is no longer tracked."],
};

/** The states that a ticker can have, as [key, title], in the order of the filter. */
export const stateTitles = Object.entries(STATES).map(([key, [, title]]) => [key, title]);

/** Elements that say a ticker's state, why, and whether its market is simulated. */
export function stateElements(ticker) {
  const [kind, title, sentence] = STATES[ticker.freshness] ?? ["soft", ticker.freshness, ""];
  const reason = ticker.status_reason ?? ticker.fallback_reason;
  return [
    element("span", { class: `badge ${kind}` }, title),
    ticker.is_simulated ? element("span", { class: "badge warn", title: "Made-up prices, to try things out." }, "Simulated") : null,
    ticker.is_fallback ? element("span", { class: "badge warn" }, "Fallback: random walk") : null,
    element("small", {}, reason ? `${sentence} ${reason}` : sentence),
  ].filter(Boolean);
}

/** Shows a failure of the API in the notice, as what it is. */
export function showFailure(notice, error) {
  const titles = {
    "database-down": "The database does not respond",
    "not-configured": "The page has no database",
    offline: "No connection to Airflow",
    login: "You are logged out",
    "not-found": "Unknown ticker",
  };
  notice.className = "bad";
  notice.replaceChildren(element("strong", {}, `${titles[error.code] ?? "Something went wrong"}. `), error.message);
}

/** Clears the notice, or shows a sentence in it. */
export function showNotice(notice, text = "") {
  notice.className = "";
  notice.replaceChildren(text);
}
