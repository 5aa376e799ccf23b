// Links that download what the page shows, with the period that it shows.

import { apiAddress } from "./api.js";
import { element } from "./dom.js";

const VIEWS = {
  bar: "Bars", forecast: "Forecasts", accuracy_daily: "Accuracy by day", hour_outcome: "Hours", model_history: "Model versions",
  event: "Events", data_quality: "Data by day",
};

/** Fills the menu of a ticker with a CSV and a Parquet link for each view. */
export function showDownloads(menu, ticker, { since, until }) {
  menu.replaceChildren(...Object.entries(VIEWS).map(([view, title]) =>
    element("p", {}, element("span", {}, title), ...["csv", "parquet"].map((format) => {
      const address = apiAddress(`tickers/${encodeURIComponent(ticker)}/export/${view}`, { format, since, until });
      return element("a", { href: address, download: "", "aria-label": `${title} as ${format}` }, format === "csv" ? "CSV" : "Parquet");
    }))));
}
