import assert from "node:assert/strict";
import { test } from "node:test";
import { byDay, calibrationBand, ratioOfSums, rolling } from "../../../../plugins/forecasts/static/js/rolling.js";

const row = (day, changes = {}) => ({
  day_exchange: day, is_refresh: false, forecast_count: 2, mean_crps: 8, random_walk_mean_crps: 10, har_mean_crps: 9, coverage_90_ratio: 1, ...changes,
});

test("a day adds up its regular forecasts, without refreshed ones and without days that were not scored", () => {
  const days = byDay([
    row("2026-01-02"), row("2026-01-01"), row("2026-01-01", { forecast_count: 1, mean_crps: 11, coverage_90_ratio: 0 }),
    row("2026-01-01", { is_refresh: true, mean_crps: 99 }), row("2026-01-03", { mean_crps: null }), row("2026-01-04", { har_mean_crps: null }),
  ]);
  assert.deepEqual(days.map((day) => day.day), ["2026-01-01", "2026-01-02"]);
  assert.deepEqual(days[0], { day: "2026-01-01", count: 3, crps: 27, walk: 30, har: 27, inside: 2 });
});

test("the error of a ratio is that of its days", () => {
  assert.deepEqual(ratioOfSums([1, 1, 1], [2, 2, 2]), { ratio: 0.5, error: 0 });
  const { ratio, error } = ratioOfSums([1, 3], [2, 2]);
  assert.equal(ratio, 1);
  assert.ok(Math.abs(error - Math.sqrt(2) * Math.sqrt(2) / 4) < 1e-12);
  assert.deepEqual(ratioOfSums([1], [2]), { ratio: 0.5, error: null });
  assert.deepEqual(ratioOfSums([], []), { ratio: null, error: null });
});

test("figures are those of the last days, from the fifth day on", () => {
  const days = byDay(["01", "02", "03", "04", "05", "06"].map((day, index) => row(`2026-01-${day}`, { mean_crps: index === 5 ? 4 : 8 })));
  const figures = rolling(days, 2);
  assert.deepEqual(figures.map((figure) => figure.day), ["2026-01-05", "2026-01-06"]);
  assert.equal(figures[0].dayCount, 2);
  assert.ok(Math.abs(figures[0].skill.ratio - 0.2) < 1e-12);
  assert.ok(Math.abs(figures[1].skill.ratio - 0.4) < 1e-12);
  assert.equal(figures[1].crps, 6);
  assert.equal(figures[1].coverage.ratio, 1);
  assert.deepEqual(rolling(days.slice(0, 4)), []);
});

test("the band of a calibration curve narrows with the number of forecasts and stays within 0 and 1", () => {
  const [low, high] = calibrationBand(0.5, 100);
  assert.ok(Math.abs(low - 0.402) < 1e-3 && Math.abs(high - 0.598) < 1e-3);
  assert.equal(calibrationBand(0.025, 1)[0], 0);
  assert.equal(calibrationBand(0.975, 0)[1], 1);
});
