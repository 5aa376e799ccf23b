// The chart of one ticker: candles, volume, the coming fan, and what past forecasts said. The time scale has a place
// for each bar and none for a night or a weekend. Times are the ends of bars, shown on the exchange's clock.

import { CandlestickSeries, HistogramSeries, createChart } from "../vendor/lightweight-charts.mjs";
import { FanSeries } from "./fan.js";

const seconds = (instant) => Math.floor(new Date(instant).getTime() / 1000);
const QUANTILES = ["q05", "q25", "q50", "q75", "q95"];

/** A chart in an element; `show` draws data, `recolor` follows the theme. */
export class TickerChart {
  constructor(holder, zone) {
    this.view = null;
    this.chart = createChart(holder, {
      autoSize: true,
      layout: { attributionLogo: false }, // the credit is below the chart: a link out of Airflow's frame is blocked
      localization: { timeFormatter: (time) => clock(time, zone) },
      timeScale: { timeVisible: true, tickMarkFormatter: (time, kind) => mark(time, kind, zone) },
    });
    this.ranges = this.chart.addCustomSeries(new FanSeries(), { isOuterOnly: true });
    this.past = this.chart.addCustomSeries(new FanSeries());
    this.candles = this.chart.addSeries(CandlestickSeries, {});
    this.fan = this.chart.addCustomSeries(new FanSeries());
    this.volume = this.chart.addSeries(HistogramSeries, {
      priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false,
    });
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    this.recolor();
  }

  recolor() {
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(`--${name}`).trim();
    this.chart.applyOptions({
      layout: { background: { color: color("back") }, textColor: color("text") },
      grid: { vertLines: { color: color("card") }, horzLines: { color: color("card") } },
      rightPriceScale: { borderColor: color("edge") },
      timeScale: { borderColor: color("edge") },
    });
    this.candles.applyOptions({
      upColor: color("up"), wickUpColor: color("up"), borderUpColor: color("up"),
      downColor: color("down"), wickDownColor: color("down"), borderDownColor: color("down"),
    });
    this.fan.applyOptions({ color: color("fan") });
    this.ranges.applyOptions({ color: color("soft") });
    this.past.applyOptions({ color: color("down") });
    this.volume.applyOptions({ color: `${color("soft")}66` });
  }

  show(ticker, bars, forecasts, chosen) {
    const minMove = bars.length && bars.at(-1).close < 1 ? 0.0001 : 0.01;
    this.candles.applyOptions({ priceFormat: { type: "price", precision: minMove < 0.01 ? 4 : 2, minMove } });
    this.candles.setData(bars.map((bar) => ({ time: seconds(bar.closed_at), ...pick(bar, ["open", "high", "low", "close"]) })));
    this.volume.setData(bars.map((bar) => ({ time: seconds(bar.closed_at), value: bar.volume ?? 0 })));
    const last = bars.at(-1);
    this.fan.setData(last ? fanRows(last.closed_at, ticker.price, ticker.fan) : []);
    this.ranges.setData(nextBarRanges(forecasts, bars[0]?.closed_at));
    this.past.setData(chosen ? fanRows(chosen.anchored_at, chosen.believed_price ?? chosen.last_close, chosen.bars) : []);
    const view = `${bars.length} ${chosen?.as_of}`;
    if (view !== this.view) this.chart.timeScale().fitContent(); // a reload keeps what a person has zoomed into
    this.view = view;
  }
}

/** Rows of a fan that starts from a price at an instant. */
function fanRows(startedAt, price, bars) {
  const ahead = bars
    .filter((bar) => seconds(bar.target_at) > seconds(startedAt))
    .map((bar) => ({ time: seconds(bar.target_at), ...pick(bar, QUANTILES) }));
  if (price === null || !ahead.length) return ahead;
  return [{ time: seconds(startedAt), ...Object.fromEntries(QUANTILES.map((name) => [name, price])) }, ...ahead];
}

/** For each past bar, the newest regular forecast of it that was made one bar ahead. */
function nextBarRanges(forecasts, since) {
  const rows = new Map();
  for (const forecast of forecasts) {
    const [bar] = forecast.bars;
    const isShown = bar && bar.horizon === 1 && bar.actual_close !== null && (!since || bar.target_at >= since);
    if (isShown && !rows.has(bar.target_at)) rows.set(bar.target_at, { time: seconds(bar.target_at), ...pick(bar, QUANTILES) });
  }
  return [...rows.values()].sort((one, other) => one.time - other.time);
}

function pick(row, names) {
  return Object.fromEntries(names.map((name) => [name, row[name]]));
}

function clock(time, zone, options) {
  const parts = options ?? { weekday: "short", day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" };
  return new Date(time * 1000).toLocaleString("en-GB", { timeZone: zone ?? "UTC", ...parts });
}

function mark(time, kind, zone) {
  if (kind === 0) return clock(time, zone, { year: "numeric" });
  if (kind === 1) return clock(time, zone, { month: "short" });
  if (kind === 2) return clock(time, zone, { day: "numeric", month: "short" });
  return clock(time, zone, { hour: "2-digit", minute: "2-digit" });
}
