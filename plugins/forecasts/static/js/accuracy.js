// The plots of how good a ticker's forecasts were, drawn to the width of their holder.

import { element } from "./dom.js";
import { calibrationPlot, dayPlot } from "./plot.js";
import { ROLLING_DAYS, byDay, calibrationBand, rolling } from "./rolling.js";

const percent = (value) => `${(100 * value).toFixed(1).replace("-", "\u2212")} %`;
const points = (value) => value.toFixed(1);

/** Fills a holder with error, skill and coverage over days, and the calibration curve. */
export function showAccuracy(holder, dailyRows, levels) {
  const figures = rolling(byDay(dailyRows));
  if (!figures.length) {
    holder.replaceChildren(element("p", { class: "hint" }, "Forecasts of fewer than five days of this period were scored, too few for a picture."));
    return;
  }
  const names = figures.map((figure) => figure.day);
  const columns = holder.clientWidth > 900 ? 2 : 1;
  const width = Math.floor(Math.max(280, (holder.clientWidth - 24 * (columns - 1)) / columns));
  const common = { days: names, width };
  holder.replaceChildren(...[
    dayPlot({
      ...common, title: `Error: mean CRPS in basis points, ${ROLLING_DAYS} days`, write: points,
      lines: [
        { title: "random walk", kind: "walk", values: figures.map((figure) => figure.walk) },
        { title: "HAR", kind: "har", values: figures.map((figure) => figure.har) },
        { title: "ours", kind: "ours", values: figures.map((figure) => figure.crps) },
      ],
    }),
    dayPlot({
      ...common, title: `Skill: error saved against the random walk, ${ROLLING_DAYS} days`, write: percent, aim: 0,
      lines: [banded("skill", figures.map((figure) => figure.skill))],
    }),
    dayPlot({
      ...common, title: `Coverage of the 90 % interval, ${ROLLING_DAYS} days`, write: percent, aim: 0.9,
      lines: [banded("coverage", figures.map((figure) => figure.coverage), 0, 1)],
    }),
    calibrationPlot({
      title: "Calibration: share of closes below each quantile", width,
      levels: levels.map((row) => ({ ...row, band: calibrationBand(row.quantile_level, row.forecast_count) })),
    }),
  ].filter(Boolean));
}

/** A line with a band of two standard errors within bounds; days without an error have none. */
function banded(title, figures, low = -Infinity, high = Infinity) {
  return {
    title, kind: "ours",
    values: figures.map(({ ratio }) => ratio),
    bands: figures.map(({ ratio, error }) => (error === null ? [null, null] : [Math.max(low, ratio - 2 * error), Math.min(high, ratio + 2 * error)])),
  };
}
