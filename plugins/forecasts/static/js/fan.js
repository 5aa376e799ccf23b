// A series of lightweight-charts that draws a forecast as a fan: the 90 % and 50 % intervals, and the median.
// A row is { time, q05, q25, q50, q75, q95 }.

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

  #draw({ context, horizontalPixelRatio, verticalPixelRatio }, toY) {
    if (!this.#range) return;
    const shown = this.#bars.slice(Math.max(0, this.#range.from - 1), this.#range.to + 1);
    if (shown.length < 2) return;
    const points = (name) =>
      shown.map((bar) => [bar.x * horizontalPixelRatio, toY(bar.originalData[name]) * verticalPixelRatio]);
    const band = (low, high, alpha) => {
      trace(context, [...points(low), ...points(high).reverse()]);
      context.globalAlpha = alpha;
      context.fill();
    };
    context.fillStyle = context.strokeStyle = this.#options.color;
    band("q05", "q95", this.#options.isOuterOnly ? 0.16 : 0.2);
    if (!this.#options.isOuterOnly) band("q25", "q75", 0.35);
    context.globalAlpha = 1;
    if (!this.#options.isOuterOnly) {
      context.lineWidth = 1.5 * horizontalPixelRatio;
      trace(context, points("q50"));
      context.stroke();
    }
  }
}

function trace(context, points) {
  context.beginPath();
  points.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
}
