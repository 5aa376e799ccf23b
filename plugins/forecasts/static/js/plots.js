// Small pictures of scores: a skill with its interval around zero, and the skill of each day.

import { element, shape } from "./dom.js";
import { skillText } from "./skill.js";

const WIDTH = 130;
const HEIGHT = 18;
const ERRORS = 2;
const DAY_WIDTH = 14;
const DAY_HEIGHT = 120;

/** A dot for the skill, a bar for two standard errors on each side, and zero in the middle; `scale` is at the edges. */
export function skillRange(ratio, error, scale) {
  if (ratio === null) return null;
  const x = (value) => (WIDTH / 2 + (Math.max(-1, Math.min(1, value / scale)) * (WIDTH - 8)) / 2).toFixed(1);
  const half = ERRORS * (error ?? 0);
  return shape(
    "svg", { class: "range", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": skillText(ratio, error) },
    shape("line", { class: "zero", x1: x(0), x2: x(0), y1: 0, y2: HEIGHT }),
    shape("line", { class: "spread", x1: x(ratio - half), x2: x(ratio + half), y1: HEIGHT / 2, y2: HEIGHT / 2 }),
    shape("circle", { cx: x(ratio), cy: HEIGHT / 2, r: 3.5 }),
  );
}

/** A bar for each day, above the line where our CRPS was lower than the random walk's. */
export function dailyBars(days) {
  const scale = Math.max(...days.map((day) => Math.abs(day.crps_skill_ratio)), 0.001);
  const width = Math.max(days.length * DAY_WIDTH, 10 * DAY_WIDTH);
  const middle = DAY_HEIGHT / 2;
  const bars = days.map((day, index) => {
    const size = (Math.abs(day.crps_skill_ratio) / scale) * (middle - 4);
    const isBetter = day.crps_skill_ratio >= 0;
    return shape(
      "rect",
      { class: isBetter ? "better" : "worse", x: index * DAY_WIDTH + 2, width: DAY_WIDTH - 4, y: isBetter ? middle - size : middle, height: Math.max(size, 1) },
      shape("title", {}, `${day.day_exchange}: ${skillText(day.crps_skill_ratio)} of ${day.forecast_count} forecasts`),
    );
  });
  const picture = shape(
    "svg",
    { class: "daily", viewBox: `0 0 ${width} ${DAY_HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-labelledby": "daily-title daily-text" },
    shape("line", { class: "zero", x1: 0, x2: width, y1: middle, y2: middle }), ...bars,
  );
  const ends = [days[0], ...(days.length > 1 ? [days.at(-1)] : [])].map((day) => element("span", {}, day.day_exchange));
  const holder = element("div", {}, picture, element("p", { class: "ends", "aria-hidden": "true" }, ...ends));
  holder.style.maxWidth = `${2 * width}px`;
  return holder;
}
