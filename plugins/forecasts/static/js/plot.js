// Small plots as SVG: figures over days with their bands, and the calibration curve. A pointer or the arrow keys read
// them off; the last figure is in words above each plot.

import { element, shape } from "./dom.js";

const HEIGHT = 150;
const LEFT = 50;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 20;

/**
 * A plot of figures over days.
 * `lines`: { title, kind, values, bands } with a value (or null) a day, and optional [low, high] pairs; `kind` is the
 * CSS class. `aim` is a level that is drawn dotted. `write` makes text of a value.
 */
export function dayPlot({ title, days, lines, aim = null, write, width }) {
  const values = lines.flatMap((line) => [...line.values, ...(line.bands ?? []).flat()]).filter((value) => value !== null);
  if (values.length === 0) return null;
  const scale = scaleOf(aim === null ? values : [...values, aim]);
  const x = (index) => LEFT + (days.length < 2 ? 0.5 : index / (days.length - 1)) * (width - LEFT - RIGHT);
  const y = (value) => TOP + (1 - (value - scale.low) / (scale.high - scale.low)) * (HEIGHT - TOP - BOTTOM);
  const readout = element("p", { class: "readout", "aria-live": "polite" });
  const cursor = shape("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM });
  const picture = shape(
    "svg",
    { class: "plot", viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, tabindex: 0, role: "img", "aria-label": `${title}. ${says(lines, days, days.length - 1, write)}` },
    ...scale.ticks.flatMap((tick) => [
      shape("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick) }),
      shape("text", { class: "tick", x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, write(tick)),
    ]),
    ...dayTicks(days, x),
    aim === null ? null : shape("line", { class: "aim", x1: LEFT, x2: width - RIGHT, y1: y(aim), y2: y(aim) }),
    ...lines.filter((line) => line.bands).map((line) => shape("polygon", { class: `band ${line.kind}`, points: bandPoints(line.bands, x, y) })),
    ...lines.map((line) => shape("polyline", { class: `curve ${line.kind}`, points: points(line.values, x, y) })),
    cursor,
  );
  const read = (index) => {
    const place = Math.min(days.length - 1, Math.max(0, index));
    cursor.setAttribute("x1", x(place));
    cursor.setAttribute("x2", x(place));
    readout.textContent = says(lines, days, place, write);
    return place;
  };
  readable(picture, read, days.length, width);
  return element("figure", {}, element("figcaption", {}, title, ...keys(lines)), picture, readout);
}

/**
 * The calibration curve: for each level the share of closes that was below the quantile; on the diagonal is right.
 * `levels` are rows of the API, with `band` as [low, high].
 */
export function calibrationPlot({ title, levels, width }) {
  if (levels.length === 0) return null;
  const side = HEIGHT - TOP - BOTTOM;
  const wide = Math.min(width - LEFT - RIGHT, 2 * side);
  const x = (value) => LEFT + value * wide;
  const y = (value) => TOP + (1 - value) * side;
  const at = (pairs) => pairs.map(([level, value]) => `${x(level).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const low = levels.map((row) => [row.quantile_level, row.band[0]]);
  const high = levels.map((row) => [row.quantile_level, row.band[1]]);
  const market = levels.filter((row) => row.market_observed_ratio !== null);
  const percent = (value) => `${(100 * value).toFixed(value > 0.1 && value < 0.9 ? 0 : 1)} %`;
  const text = levels.map((row) => `${percent(row.quantile_level)}: ${percent(row.observed_ratio)}`).join(", ");
  const lines = [{ title: "this ticker", kind: "ours" }, ...(market.length ? [{ title: "its market", kind: "walk" }] : [])];
  const picture = shape(
    "svg",
    { class: "plot", viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": `${title}. Level and observed share: ${text}` },
    ...[0, 0.5, 1].flatMap((tick) => [
      shape("line", { class: "grid", x1: LEFT, x2: LEFT + wide, y1: y(tick), y2: y(tick) }),
      shape("text", { class: "tick", x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, percent(tick)),
      shape("text", { class: "tick", x: x(tick), y: HEIGHT - 5, "text-anchor": tick === 0 ? "start" : tick === 1 ? "end" : "middle" }, percent(tick)),
    ]),
    shape("polygon", { class: "band walk", points: at([...low, ...high.reverse()]) }),
    shape("line", { class: "aim", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }),
    shape("polyline", { class: "curve walk", points: at(market.map((row) => [row.quantile_level, row.market_observed_ratio])) }),
    shape("polyline", { class: "curve ours", points: at(levels.map((row) => [row.quantile_level, row.observed_ratio])) }),
    ...levels.map((row) =>
      shape("circle", { class: "dot ours", cx: x(row.quantile_level), cy: y(row.observed_ratio), r: 3 },
        shape("title", {}, `${percent(row.observed_ratio)} of closes were below the ${percent(row.quantile_level)} quantile`))),
  );
  return element("figure", {}, element("figcaption", {}, title, ...keys(lines)), picture, element("p", { class: "readout" }, "On the dotted diagonal is right. Grey: where 95 of 100 right curves lie."));
}

function says(lines, days, index, write) {
  const parts = lines.map((line) => {
    if (line.values[index] === null) return null;
    const band = line.bands?.[index];
    return `${line.title} ${write(line.values[index])}${band && band[0] !== null ? ` (${write(band[0])} to ${write(band[1])})` : ""}`;
  });
  return `${days[index]}: ${parts.filter(Boolean).join(", ") || "nothing scored"}`;
}

function keys(lines) {
  return lines.map((line) => element("span", { class: `key ${line.kind}` }, line.title));
}

function points(values, x, y) {
  return values.map((value, index) => (value === null ? null : `${x(index).toFixed(1)},${y(value).toFixed(1)}`)).filter(Boolean).join(" ");
}

function bandPoints(bands, x, y) {
  const known = bands.map((band, index) => [index, band]).filter(([, band]) => band[0] !== null);
  const edge = (side) => known.map(([index, band]) => `${x(index).toFixed(1)},${y(band[side]).toFixed(1)}`);
  return [...edge(0), ...edge(1).reverse()].join(" ");
}

function dayTicks(days, x) {
  const places = days.length < 3 ? [0] : [0, Math.floor((days.length - 1) / 2), days.length - 1];
  const anchors = ["start", "middle", "end"];
  return places.map((place, index) =>
    shape("text", { class: "tick", x: x(place), y: HEIGHT - 5, "text-anchor": days.length < 3 ? "middle" : anchors[index] }, shortDay(days[place])));
}

function shortDay(day) {
  return new Date(`${day}T12:00:00Z`).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
}

/** An axis around values: its ends, and two to five round ticks. */
export function scaleOf(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const span = high - low || Math.abs(high) || 1;
  const rough = span / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((each) => each * power >= rough);
  const bottom = low - span * 0.06;
  const top = high + span * 0.06;
  const ticks = [];
  for (let tick = Math.ceil(bottom / step); tick * step <= top; tick += 1) ticks.push(tick * step);
  return { low: bottom, high: top, ticks };
}

function readable(picture, read, count, width) {
  let place = read(count - 1);
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const share = ((event.clientX - box.left) * (width / box.width) - LEFT) / (width - LEFT - RIGHT);
    place = read(Math.round(share * (count - 1)));
  });
  picture.addEventListener("pointerleave", () => { place = read(count - 1); });
  picture.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -count, End: count }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    place = read(place + by);
  });
}
