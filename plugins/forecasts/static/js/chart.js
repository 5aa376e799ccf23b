// The chart of one ticker: candles, volume, the coming fan, what past forecasts said, and events. The time scale has a
// place for each bar and none for a night or a weekend. Times are the ends of bars, shown on the exchange's clock.

import { CandlestickSeries, HistogramSeries, createChart } from "../vendor/lightweight-charts.mjs";
import { FanSeries } from "./fan.js";
import { MarkSeries } from "./marks.js";
import { eventMarks, fanRows, nextBarRanges, seconds, successiveFans } from "./series.js";

/** A chart in an element; `show` draws data, `recolor` follows the theme. `pick` gets the time of a bar that is clicked. */
export class TickerChart {
  #view = null;

  constructor(holder, zone, pick) {
    this.chart = createChart(holder, {
      autoSize: true,
      layout: { attributionLogo: false }, // the credit is below the chart: a link out of Airflow's frame is blocked
      localization: { timeFormatter: (time) => clock(time, zone) },
      timeScale: { timeVisible: true, tickMarkFormatter: (time, kind) => mark(time, kind, zone) },
    });
    this.events = this.chart.addCustomSeries(new MarkSeries(), { priceScaleId: "events" });
    this.ranges = this.chart.addCustomSeries(new FanSeries(), { isOuterOnly: true });
    this.fans = [0, 1].map(() => this.chart.addCustomSeries(new FanSeries()));
    this.chosen = this.chart.addCustomSeries(new FanSeries());
    this.candles = this.chart.addSeries(CandlestickSeries, {});
    this.fan = this.chart.addCustomSeries(new FanSeries());
    this.volume = this.chart.addSeries(HistogramSeries, {
      priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false,
    });
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    this.chart.subscribeClick(({ time }) => time && pick(time));
    this.recolor();
  }

  recolor() {
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(`--${name}`).trim();
    this.chart.applyOptions({
      layout: { background: { color: color("back") }, textColor: color("soft") },
      grid: { vertLines: { color: color("card") }, horzLines: { color: color("card") } },
      rightPriceScale: { borderColor: color("edge") },
      timeScale: { borderColor: color("edge") },
    });
    this.candles.applyOptions({
      upColor: color("up"), wickUpColor: color("up"), borderUpColor: color("up"),
      downColor: color("down"), wickDownColor: color("down"), borderDownColor: color("down"),
    });
    this.fan.applyOptions({ color: color("fan") });
    for (const series of [this.ranges, ...this.fans]) series.applyOptions({ color: color("soft") });
    this.chosen.applyOptions({ color: color("down") });
    this.volume.applyOptions({ color: `${color("soft")}55` });
    this.events.applyOptions({ color: color("soft"), back: color("back") });
  }

  /** Draws a ticker's bars and, as `view` says, past forecasts, one chosen forecast, events and volume. */
  show({ ticker, bars, past, chosen, events, view }) {
    const last = bars.at(-1);
    const minMove = last && last.close < 1 ? 0.0001 : 0.01;
    this.candles.applyOptions({ priceFormat: { type: "price", precision: minMove < 0.01 ? 4 : 2, minMove } });
    this.candles.setData(bars.map(({ closed_at, open, high, low, close }) => ({ time: seconds(closed_at), open, high, low, close })));
    this.volume.setData(view.volume ? bars.map((bar) => ({ time: seconds(bar.closed_at), value: bar.volume ?? 0 })) : []);
    const ahead = view.until || !last ? [] : fanRows(last.closed_at, ticker.price, ticker.fan);
    this.fan.setData(ahead);
    const first = bars.length ? seconds(bars[0].closed_at) : 0;
    const inView = (rows) => rows.filter((row) => row.time >= first);
    this.ranges.setData(view.past === "ranges" ? inView(nextBarRanges(past)) : []);
    const sides = view.past === "fans" ? successiveFans(past) : [[], []];
    this.fans.forEach((series, index) => series.setData(inView(sides[index])));
    this.chosen.setData(chosen ? inView(fanRows(chosen.anchored_at, chosen.believed_price ?? chosen.last_close, chosen.bars)) : []);
    this.events.setData(view.events ? eventMarks(events, placesOf(bars, view.until ? [] : ticker.fan)) : []);
    const shown = `${view.period} ${view.until} ${bars.length > 0}`;
    if (shown !== this.#view) this.chart.timeScale().fitContent(); // a reload keeps what a person has zoomed into
    this.#view = shown;
  }
}

function placesOf(bars, fan) {
  const newest = bars.length ? seconds(bars.at(-1).closed_at) : 0;
  const ahead = fan.filter((bar) => seconds(bar.target_at) > newest);
  return [
    ...bars.map((bar) => ({ time: seconds(bar.closed_at), day: (bar.closed_at_exchange ?? bar.closed_at).slice(0, 10) })),
    ...ahead.map((bar) => ({ time: seconds(bar.target_at), day: (bar.target_at_exchange ?? bar.target_at).slice(0, 10) })),
  ];
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
