// What the scores of the last 30 days show, as numbers with their error and in words.

import { element } from "./dom.js";

const VERDICTS = {
  edge: ["good", "an edge"],
  "no edge shown": ["soft", "no edge shown yet"],
  "too few days": ["soft", "too few days yet"],
  "worse than the random walk": ["warn", "worse"],
};
const FEWEST_DAYS = 20;
const ERRORS = 2; // standard errors on each side: about 95 % of the cases

/** A skill in percent with two standard errors, such as "+0.4 ± 0.6 %". */
export function skillText(ratio, error) {
  if (ratio === null || ratio === undefined) return "";
  const size = (100 * Math.abs(ratio)).toFixed(1);
  const sign = size === "0.0" ? "" : ratio < 0 ? "\u2212" : "+";
  return error === null || error === undefined ? `${sign}${size} %` : `${sign}${size} \u00b1 ${(100 * ERRORS * error).toFixed(1)} %`;
}

/** Elements for the skill against the last close: the number, and what it shows in words. */
export function skillElements({ crps_skill_ratio: ratio, crps_skill_error: error, verdict, scored_day_count: days, next_target_at: target }) {
  if (ratio === null) return target ? [element("small", {}, "not scored yet")] : [];
  const [kind, words] = VERDICTS[verdict] ?? ["soft", verdict];
  const count = verdict === "too few days" ? ` (${days})` : "";
  return [skillText(ratio, error), element("small", { class: kind }, words + count)];
}

/** Elements for the skill against HAR. */
export function harSkillElements({ har_crps_skill_ratio: ratio, har_crps_skill_error: error, scored_day_count: days }) {
  if (ratio === null) return [];
  return [skillText(ratio, error), verdictElement({ crps_skill_ratio: ratio, crps_skill_error: error, day_count: days })];
}

/** What a skill shows in words, by the rule of the view bi.accuracy_window. */
export function verdictElement({ crps_skill_ratio: ratio, crps_skill_error: error, day_count: days }) {
  const [kind, words] = VERDICTS[verdict(ratio, error, days)];
  return element("small", { class: kind }, words);
}

function verdict(ratio, error, days) {
  if (error === null || days < FEWEST_DAYS) return "too few days";
  if (Math.abs(ratio) <= ERRORS * error) return "no edge shown";
  return ratio > 0 ? "edge" : "worse than the random walk";
}

/** Elements for the share of closes within the 90 % interval. */
export function coverageElements({ coverage_90_ratio: ratio, scored_count: count }) {
  if (ratio === null) return [];
  return [`${(100 * ratio).toFixed(0)} %`, element("small", {}, `of ${count}`)];
}
