import assert from "node:assert/strict";
import { test } from "node:test";
import { backboneEvents } from "../../../../plugins/forecasts/static/js/models.js";
import { eventMarks } from "../../../../plugins/forecasts/static/js/series.js";

const HOUR = 3600;
const instant = (hour) => new Date(hour * HOUR * 1000).toISOString();
const operation = (name, hour) => ({ operation: name, as_of: instant(hour), reason: "better" });

test("a promotion and a withdrawal mark the first bar after them, and other operations mark none", () => {
  const events = backboneEvents([operation("promote", 2.6), operation("roll back", 4), operation("reject", 3), operation("retrain", 3)]);
  const places = [1, 2, 3, 4, 5].map((hour) => ({ time: hour * HOUR, day: "1970-01-01" }));
  assert.deepEqual(eventMarks(events, places), [
    { time: 3 * HOUR, text: "B", titles: ["New backbone: better"] },
    { time: 5 * HOUR, text: "B", titles: ["Backbone taken back: better"] },
  ]);
});
