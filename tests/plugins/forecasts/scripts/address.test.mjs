import assert from "node:assert/strict";
import { test } from "node:test";
import { periodOf, readAddress, writeAddress } from "../../../../plugins/forecasts/static/js/address.js";

const PLAIN = readAddress("");

test("a plain address is the default view, and the default view a plain address", () => {
  assert.equal(PLAIN.period, "1m");
  assert.equal(writeAddress(PLAIN), "");
});

test("each part of a view comes back from its address", () => {
  const views = [
    { period: "2y" }, { until: "2026-03-31" }, { past: "fans" }, { forecast: "2026-03-31T14:35:00+00:00" }, { horizon: "7" },
    { events: false }, { volume: false }, { night: false },
  ];
  for (const changes of views) {
    const view = { ...PLAIN, ...changes };
    assert.notEqual(writeAddress(view), "");
    assert.deepEqual(readAddress(writeAddress(view)), view);
  }
});

test("a wrong value has its default", () => {
  const wrong = "?period=9y&until=2026-02-31x&past=<b>&forecast=soon&horizon=8&until=&unknown=1";
  assert.deepEqual(readAddress(wrong), PLAIN);
  assert.deepEqual(readAddress("?period=toString"), PLAIN);
});

test("a period ends now, or with the day that is given", () => {
  const now = Date.parse("2026-03-31T12:00:00Z");
  assert.deepEqual(periodOf({ ...PLAIN, period: "5d" }, now), { since: "2026-03-24T12:00:00.000Z", until: "" });
  const ended = periodOf({ ...PLAIN, period: "5d", until: "2026-01-10" }, now);
  assert.equal(ended.until, "2026-01-10T23:59:59.000Z");
  assert.equal(ended.since, "2026-01-03T23:59:59.000Z");
});
