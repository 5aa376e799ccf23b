import assert from "node:assert/strict";
import { test } from "node:test";
import { eventMarks, fanRows, newestNight, nextBarRanges, reportBehind, seconds, successiveFans } from "../../../../plugins/forecasts/static/js/series.js";

const HOUR = 3600;
const instant = (hour) => new Date(hour * HOUR * 1000).toISOString();
const bar = (hour, horizon, changes = {}) => ({
  horizon, target_at: instant(hour), q05: 1, q25: 2, q50: 3, q75: 4, q95: 5, actual_close: 3, ...changes,
});
const forecast = (hour, changes = {}) => ({
  as_of: instant(hour + 0.5), anchored_at: instant(hour), last_close: 3, is_refresh: false,
  bars: [1, 2, 3, 4, 5, 6, 7].map((horizon) => bar(hour + horizon, horizon)), ...changes,
});

test("a fan starts at its price and has the bars after it", () => {
  const rows = fanRows(instant(2), 9, [bar(2, 1), bar(3, 2)], 4);
  assert.deepEqual(rows.map((row) => [row.time, row.fan, row.q05, row.q95]), [[2 * HOUR, 4, 9, 9], [3 * HOUR, 4, 1, 5]]);
  assert.deepEqual(fanRows(instant(5), 9, [bar(2, 1)]), []);
  assert.equal(fanRows(instant(2), null, [bar(3, 1)]).length, 1);
});

test("ranges are those of the newest regular forecast one bar ahead whose bar has come", () => {
  const one = (hour, changes) => ({ as_of: instant(hour), is_refresh: false, bars: [bar(hour + 1, 1)], ...changes });
  const rows = nextBarRanges([
    one(9, { bars: [bar(10, 1, { actual_close: null })] }),
    one(7, { is_refresh: true }),
    one(5, { bars: [bar(6, 1, { q50: 7 })] }), one(5, { bars: [bar(6, 1, { q50: 8 })] }),
    one(4), { ...one(3), bars: [] },
  ]);
  assert.deepEqual(rows.map((row) => [row.time / HOUR, row.q50]), [[5, 3], [6, 7]]);
});

test("fans follow one another, in two lists so that neighbours can meet", () => {
  const [even, odd] = successiveFans([20, 14, 13, 8, 7, 1, 0].map((hour) => forecast(hour)));
  const starts = (rows) => rows.filter((row) => row.q05 === 3).map((row) => row.time / HOUR);
  assert.deepEqual([starts(even), starts(odd)], [[0, 14], [7]]);
  assert.deepEqual(successiveFans([forecast(0, { is_refresh: true }), forecast(1, { bars: [] })]), [[], []]);
  for (const rows of [even, odd]) assert.ok(rows.every((row, index) => !index || row.time > rows[index - 1].time));
});

test("events are marked at the bar that they move", () => {
  const places = [10, 11, 12, 34, 35].map((hour) => ({ time: hour * HOUR, day: hour < 24 ? "1970-01-01" : "1970-01-02" }));
  const report = (timing, day = "1970-01-01") => ({ kind: "report", day_exchange: day, timing, effective_at: null, description: null });
  const at = (events) => eventMarks(events, places).map((mark) => [mark.time / HOUR, mark.text]);
  assert.deepEqual(at([report("before_open")]), [[10, "R"]]);
  assert.deepEqual(at([report("unknown")]), [[10, "R"]]);
  assert.deepEqual(at([report("after_close")]), [[34, "R"]]);
  assert.deepEqual(at([report("after_close", "1970-01-02"), report("before_open", "1970-01-03"), report("before_open", "1969-12-31")]), []);
  const split = { kind: "split", effective_at: instant(11), day_exchange: "1970-01-01", description: null };
  const rate = { kind: "announcement", effective_at: instant(12), day_exchange: "1970-01-01", description: "Rate decision" };
  assert.deepEqual(at([split, rate]), [[12, "SA"]]);
  assert.deepEqual(eventMarks([split, rate], places)[0].titles, ["Split", "Rate decision"]);
  assert.deepEqual(at([{ ...split, effective_at: instant(1) }, { ...split, effective_at: instant(99) }]), []);
  assert.deepEqual(eventMarks([split], []), []);
});

test("the newest night is the regular forecast and its refreshed ones, oldest first", () => {
  const forecasts = [
    forecast(9), { ...forecast(5), as_of: instant(8), is_refresh: true }, { ...forecast(5), as_of: instant(7), is_refresh: true }, forecast(5), forecast(4),
  ];
  assert.deepEqual(newestNight(forecasts).map((each) => seconds(each.as_of) / HOUR), [5.5, 7, 8]);
  assert.deepEqual(newestNight([forecast(9)]), []);
});

test("a filed report is marked at the first bar after its acceptance", () => {
  const places = [10, 11, 12].map((hour) => ({ time: hour * HOUR, day: "1970-01-01" }));
  const filed = { kind: "filing", effective_at: instant(10.5), day_exchange: "1970-01-01", description: "10-Q" };
  assert.deepEqual(eventMarks([filed], places), [{ time: 11 * HOUR, text: "F", titles: ["10-Q"] }]);
});

test("a forecast cites the report that its reasons name, and none that it could not know", () => {
  const report = (day, receipt) => ({ kind: "report", day_exchange: day, reported_at: `${day}T20:05:00Z`, receipt });
  const events = [report("2025-04-12", "third"), report("2025-04-02", "second"), report("2025-01-02", "first")];
  const cited = (reasons, asOf) => {
    const { report: found, isNamed } = reportBehind(events, reasons, asOf);
    return [found?.receipt, isNamed];
  };
  assert.deepEqual(cited("report after the close of 2 Apr", "2025-04-02T21:00:00Z"), ["second", true]);
  assert.deepEqual(cited("report after the close of 2 Apr", "2025-04-02T19:00:00Z"), ["first", false]);
  assert.deepEqual(cited("report after the close of 2 Apr", "2026-04-01T19:00:00Z"), ["third", false]);
  assert.deepEqual(cited("report after the close of 12 Apr", "2025-04-13T00:00:00Z"), ["third", true]);
  assert.deepEqual(cited(null, "2025-01-01T00:00:00Z"), [undefined, false]);
  assert.deepEqual(reportBehind([{ ...events[0], receipt: null }], null, "2026-01-01T00:00:00Z").report, undefined);
});
