import assert from "node:assert/strict";
import { test } from "node:test";
import { faultsOf, versionReason } from "../../../../plugins/forecasts/static/js/panels.js";
import { scaleOf } from "../../../../plugins/forecasts/static/js/plot.js";
import { asOfOf, logPath, newestOf } from "../../../../plugins/forecasts/static/js/runs.js";

test("a run's instant is the end of its data interval, else the instant from which on it may run", () => {
  assert.equal(asOfOf({ data_interval_end: "a", run_after: "b" }), "a");
  assert.equal(asOfOf({ data_interval_end: null, run_after: "b" }), "b");
});

test("of several runs of an hour the one that started last counts", () => {
  const run = (id, end, start) => ({ dag_run_id: id, data_interval_end: end, run_after: end, start_date: start });
  const time = Date.parse("2026-01-01T08:35:00Z");
  const runs = [run("a", "2026-01-01T08:35:00Z", "2026-01-01T08:35:01Z"), run("b", "2026-01-01T08:35:00+00:00", "2026-01-01T09:00:00Z"), run("c", "2026-01-01T09:35:00Z", null)];
  assert.equal(newestOf(runs, time).dag_run_id, "b");
  assert.equal(newestOf(runs.slice(2), time), null);
});

test("the log is that of the task after the last stage that was completed", () => {
  const path = (stage) => logPath({ dag_run_id: "scheduled__2026-01-01T08:35:00+00:00" }, { stage, shard_index: 3 });
  assert.equal(path("planned"), "dags/hourly_forecast/runs/scheduled__2026-01-01T08%3A35%3A00%2B00%3A00/tasks/fetch_bars/mapped/3");
  assert.match(path("fetched"), /compute_features/);
  assert.match(path("featured"), /fine_tune/);
  assert.match(path("trained"), /predict/);
  assert.match(path("predicted"), /predict/);
});

test("a version says why it serves, or why it does not", () => {
  const version = { kind: "fine_tune", is_promoted: true, bar_count: 80, e_value: 123.456, reason: null };
  assert.equal(versionReason(version), "Proven better than its reference on 80 bars, e-value 123.");
  assert.equal(versionReason({ ...version, is_promoted: false, e_value: 1.5 }), "Not proven better yet on 80 bars, e-value 1.50.");
  assert.equal(versionReason({ ...version, kind: "restart", reason: "it lost" }), "it lost");
  assert.match(versionReason({ ...version, kind: "first_training" }), /ticker was added/);
});

test("the remarks of a day name what is not zero", () => {
  const day = { missing_count: 0, late_count: 2, revision_count: 0, rejection_count: 1, scale_change_count: 0, scale_question_count: 0 };
  assert.equal(faultsOf(day), "2 late, 1 rejected");
  assert.equal(faultsOf({ ...day, late_count: 0, rejection_count: 0, missing_count: null }), "");
});

test("an axis spans its values and has round ticks within", () => {
  const scale = scaleOf([19.97, 20.31]);
  assert.deepEqual(scale.ticks.map((tick) => Number(tick.toFixed(6))), [20, 20.2]);
  assert.ok(scale.low < 19.97 && scale.high > 20.31);
  assert.ok(scaleOf([5]).low < 5 && scaleOf([5]).high > 5);
  assert.ok(scaleOf([0, 0]).high > 0);
});
