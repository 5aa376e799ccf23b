// A series of lightweight-charts that draws forecasts as fans: the 90 % and 50 % intervals, and the median.
// A row is { time, q05, q25, q50, q75, q95, fan }; rows next to each other with the same `fan` are one fan.

import { customSeriesDefaultOptions } from "../vendor/lightweight-charts.mjs";

/** The view that `chart.addCustomSeries` takes. Options: `color`, and `isOuterOnly` to draw the 90 % interval alone. */
export class FanSeries {
  #bars = [];
  #range = null;
  #options = {};

  renderer() {
    return { draw: (target, toY) => target.useBitmapCoordinateSpace((scope) => this.#draw(scope, toY)) };
  }

  update(data, options) {
    this.#bars = data.bars;
    this.#range = data.visibleRange;
    this.#options = options;
  }

  priceValueBuilder(row) {
    return [row.q05, row.q95, row.q50];
  }

  isWhitespace(row) {
    return row.q50 === undefined;
  }

  defaultOptions() {
    return { ...customSeriesDefaultOptions, color: "#0b57b0", isOuterOnly: false, priceLineVisible: false, lastValueVisible: false };
  }

  #draw(scope, toY) {
    if (!this.#range) return;
    const shown = this.#bars.slice(Math.max(0, this.#range.from - 1), this.#range.to + 1);
    for (const bars of fansOf(shown)) this.#drawFan(scope, toY, bars);
  }

  #drawFan({ context, horizontalPixelRatio, verticalPixelRatio }, toY, bars) {
    if (bars.length < 2) return;
    const { color, isOuterOnly } = this.#options;
    const points = (name) =>
      bars.map((bar) => [bar.x * horizontalPixelRatio, toY(bar.originalData[name]) * verticalPixelRatio]);
    const band = (low, high, alpha) => {
      trace(context, [...points(low), ...points(high).reverse()]);
      context.globalAlpha = alpha;
      context.fill();
    };
    context.fillStyle = context.strokeStyle = color;
    band("q05", "q95", isOuterOnly ? 0.16 : 0.18);
    if (!isOuterOnly) band("q25", "q75", 0.32);
    context.globalAlpha = 1;
    if (!isOuterOnly) {
      context.lineWidth = 1.5 * horizontalPixelRatio;
      trace(context, points("q50"));
      context.stroke();
    }
  }
}

function fansOf(bars) {
  const fans = [];
  for (const bar of bars) {
    const last = fans.at(-1);
    if (last && last[0].originalData.fan === bar.originalData.fan) last.push(bar);
    else fans.push([bar]);
  }
  return fans;
}

function trace(context, points) {
  context.beginPath();
  points.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
}
