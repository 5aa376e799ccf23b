// A sparkline: the newest closes, and at its end the fan of the forecast. Bars are equally far apart, so nights and
// weekends leave no gap.

import { shape } from "./dom.js";
import { price } from "./format.js";

const WIDTH = 190;
const HEIGHT = 46;
const EDGE = 2;

/** An SVG picture of a ticker's closes and fan; null without any. */
export function sparkline(ticker) {
  const closes = ticker.closes.map((bar) => bar.close);
  const { fan } = ticker;
  if (closes.length + fan.length < 2) return null;
  const values = [...closes, ...fan.flatMap((bar) => [bar.q05, bar.q95])];
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const step = (WIDTH - 2 * EDGE) / (closes.length + fan.length - 1);
  const x = (index) => (EDGE + index * step).toFixed(1);
  const y = (value) => (HEIGHT - EDGE - ((value - low) / span) * (HEIGHT - 2 * EDGE)).toFixed(1);
  const path = (points) => points.map(([index, value]) => `${x(index)},${y(value)}`).join(" ");
  const start = ticker.price === null ? [] : [[closes.length - 1, ticker.price]];
  const ahead = (name) => [...start, ...fan.map((bar, index) => [closes.length + index, bar[name]])];
  const band = (from, to) => path([...ahead(from), ...ahead(to).reverse()]);
  return shape(
    "svg",
    { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": describe(ticker) },
    shape("polygon", { class: "outer", points: band("q05", "q95") }),
    shape("polygon", { class: "inner", points: band("q25", "q75") }),
    shape("polyline", { class: "past", points: path(closes.map((value, index) => [index, value])) }),
    shape("polyline", { class: "median", points: path(ahead("q50")) }),
  );
}

function describe({ ticker, closes, fan }) {
  const past = closes.length ? `from ${price(closes[0].close)} to ${price(closes.at(-1).close)} over ${closes.length} bars` : "";
  const last = fan.at(-1);
  const next = last ? `; after ${fan.length} bars 90 % between ${price(last.q05)} and ${price(last.q95)}` : "";
  return `${ticker}: ${past}${next}`;
}
