// How the night moved the forecast of the next session's first bar: the regular forecast, then each refreshed one.

import { element, shape } from "./dom.js";
import { moment, price } from "./format.js";
import { scaleOf } from "./plot.js";
import { seconds } from "./series.js";

const HEIGHT = 190;
const LEFT = 58;
const RIGHT = 16;
const TOP = 10;
const BOTTOM = 22;

/** A figure of one night's forecasts, oldest first; null with fewer than two. */
export function nightFigure(night, zone, width) {
  const rows = night.map((forecast) => ({ ...forecast, next: nextBar(forecast) })).filter((forecast) => forecast.next);
  if (rows.length < 2) return null;
  const came = rows[0].next.actual_close;
  const scale = scaleOf([...rows.flatMap(({ next }) => [next.q05, next.q95]), ...(came === null ? [] : [came])]);
  const y = (value) => TOP + (1 - (value - scale.low) / (scale.high - scale.low)) * (HEIGHT - TOP - BOTTOM);
  const step = (width - LEFT - RIGHT) / rows.length;
  const x = (index) => LEFT + (index + 0.5) * step;
  const half = Math.min(9, step / 3);
  const path = rows.map((row, index) => `${x(index).toFixed(1)},${y(row.next.q50).toFixed(1)}`).join(" ");
  const every = Math.ceil(rows.length / Math.max(1, Math.floor((width - LEFT) / 64)));
  const picture = shape(
    "svg",
    { class: "plot", viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": inWords(rows, zone) },
    ...scale.ticks.flatMap((tick) => [
      shape("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick) }),
      shape("text", { class: "tick", x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, price(tick)),
    ]),
    came === null ? null : shape("line", { class: "came", x1: LEFT, x2: width - RIGHT, y1: y(came), y2: y(came) }),
    shape("polyline", { class: "curve ours", points: path }),
    ...rows.flatMap((row, index) => bars(row, x(index), y, half, zone)),
    ...rows.map((row, index) => (index % every ? null : shape("text", { class: "tick", x: x(index), y: HEIGHT - 6, "text-anchor": "middle" }, hour(row.as_of, zone)))),
  );
  return element("figure", {}, picture, element("p", { class: "readout" }, inWords(rows, zone)));
}

function nextBar(forecast) {
  return forecast.bars.find((bar) => seconds(bar.target_at) > seconds(forecast.as_of));
}

function bars({ next, is_refresh: isRefresh, as_of: asOf, believed_price: believed, last_close: close }, x, y, half, zone) {
  const kind = isRefresh ? "ours" : "walk";
  const text = `${moment(asOf, zone)}, ${isRefresh ? "refreshed" : "regular"}: from ${price(believed ?? close)}, median ${price(next.q50)}, 90 % between ${price(next.q05)} and ${price(next.q95)}`;
  const box = (low, high, width, name) =>
    shape("rect", { class: `${name} ${kind}`, x: x - width, width: 2 * width, y: y(high), height: Math.max(1, y(low) - y(high)), rx: 2 });
  return [shape("g", {},
    shape("title", {}, text),
    box(next.q05, next.q95, half * 0.6, "outer"),
    box(next.q25, next.q75, half, "inner"),
    shape("line", { class: "median", x1: x - half, x2: x + half, y1: y(next.q50), y2: y(next.q50) }),
  )];
}

function inWords(rows, zone) {
  const [first, last] = [rows[0], rows.at(-1)];
  const width = (row) => row.next.q95 - row.next.q05;
  const change = 100 * (width(last) / width(first) - 1);
  const narrower = `${Math.abs(change).toFixed(0)} % ${change < 0 ? "narrower" : "wider"}`;
  const came = first.next.actual_close === null ? "" : ` It closed at ${price(first.next.actual_close)}.`;
  return `The bar that closes ${moment(first.next.target_at, zone)}: the median moved from ${price(first.next.q50)} to ${price(last.next.q50)}, ` +
    `and the 90 % interval became ${narrower}, in ${rows.length - 1} refreshes.${came}`;
}

function hour(instant, zone) {
  return new Date(instant).toLocaleTimeString("en-GB", { timeZone: zone ?? "UTC", hour: "2-digit", minute: "2-digit" });
}
