// What the page says about the models: drift that is proven, and what was done with the backbones.

import { element } from "./dom.js";
import { moment } from "./format.js";

const KINDS = {
  coverage: "Coverage", pit: "Calibration", shape: "Shape of the day", skill: "Skill", missing: "Missing bars",
  late: "Late bars", rejected: "Rejected bars", revised: "Revised bars",
};
const OPERATIONS = {
  retrain: ["soft", "Retraining", "Another backbone was requested"],
  promote: ["good", "Promoted", "A new backbone serves"],
  reject: ["warn", "Rejected", "A new backbone does not serve"],
  "roll back": ["bad", "Rolled back", "A backbone was taken back"],
};
const CHANGES = { promote: "New backbone", "roll back": "Backbone taken back" };

/** Shows drift and operations as a list, newest first; without any the section is hidden. */
export function showModels(section, { drift, operations }) {
  const items = [...drift.map(driftItem), ...operations.map(operationItem)];
  section.hidden = items.length === 0;
  section.querySelector("ul").replaceChildren(...items);
}

/** The operations after which tickers start from another backbone, as events of a chart. */
export function backboneEvents(operations) {
  return operations.filter(({ operation }) => operation in CHANGES).map((found) => ({
    kind: "backbone", effective_at: found.as_of, day_exchange: found.as_of.slice(0, 10),
    description: `${CHANGES[found.operation]}: ${found.reason}`,
  }));
}

function driftItem(found) {
  const market = found.calendar === "all" ? "all markets together" : found.calendar;
  const place = found.is_simulated ? `${market} (simulated)` : market;
  return item("bad", "Drift", `${KINDS[found.kind] ?? found.kind} in ${place} since ${moment(found.drifted_at)}: ${found.reason}.`);
}

function operationItem(found) {
  const [kind, title, sentence] = OPERATIONS[found.operation] ?? ["soft", found.operation, ""];
  return item(kind, title, `${sentence}, ${moment(found.as_of)}, by ${found.decided_by}: ${found.reason}.`);
}

function item(kind, title, text) {
  return element("li", {}, element("span", { class: `badge ${kind}` }, title), ` ${text}`);
}
