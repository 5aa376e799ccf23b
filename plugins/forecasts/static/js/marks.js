// A series of lightweight-charts that marks events on the time axis: a letter above the axis, and a dotted rule.
// A row is { time, text }.

import { customSeriesDefaultOptions } from "../vendor/lightweight-charts.mjs";

const SIZE = 9;

/** The view that `chart.addCustomSeries` takes. Options: `color`, and `back` for the letter. */
export class MarkSeries {
  #bars = [];
  #range = null;
  #options = {};

  renderer() {
    return { draw: (target) => target.useBitmapCoordinateSpace((scope) => this.#draw(scope)) };
  }

  update(data, options) {
    this.#bars = data.bars;
    this.#range = data.visibleRange;
    this.#options = options;
  }

  priceValueBuilder() {
    return [0];
  }

  isWhitespace(row) {
    return row.text === undefined;
  }

  defaultOptions() {
    return { ...customSeriesDefaultOptions, color: "#57606a", back: "#ffffff", priceLineVisible: false, lastValueVisible: false };
  }

  #draw({ context, bitmapSize, horizontalPixelRatio: wide, verticalPixelRatio: high }) {
    if (!this.#range) return;
    const bottom = bitmapSize.height - (SIZE + 2) * high;
    for (const bar of this.#bars.slice(this.#range.from, this.#range.to)) {
      const x = Math.round(bar.x * wide) + 0.5;
      context.strokeStyle = context.fillStyle = this.#options.color;
      context.lineWidth = Math.max(1, Math.floor(wide));
      context.globalAlpha = 0.55;
      context.setLineDash([2 * high, 4 * high]);
      context.beginPath();
      context.moveTo(x, 0);
      context.lineTo(x, bottom - SIZE * high);
      context.stroke();
      context.setLineDash([]);
      context.globalAlpha = 1;
      context.beginPath();
      context.roundRect(x - (SIZE - 1) * wide, bottom - SIZE * high, 2 * (SIZE - 1) * wide, 2 * SIZE * high, 4 * wide);
      context.fill();
      context.fillStyle = this.#options.back;
      context.font = `600 ${11 * high}px system-ui, sans-serif`;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(bar.originalData.text, x, bottom + high / 2);
    }
  }
}
