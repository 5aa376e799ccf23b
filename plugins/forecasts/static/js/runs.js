// Finds the run of hourly_forecast that made an hour. A run's `as_of` is the end of its data interval or, without one,
// the instant from which on it may run (include/edge.py). Its id also depends on how it was started, so Airflow is
// asked, with the rights of the person who looks.

import { call, runPath } from "./airflow.js";

export const HOURLY = "hourly_forecast";
const HOUR = 3_600_000;

/** Stage that an hour completed last for a ticker -> the task that came next, whose log says what happened. */
const NEXT_TASKS = { planned: "fetch_bars", fetched: "compute_features", featured: "fine_tune", trained: "predict" };

/** The `as_of` of a run of Airflow's API, as an ISO text. */
export const asOfOf = (run) => run.data_interval_end ?? run.run_after;

/** The newest run of an hour; null if Airflow no longer has it. */
export async function findRun(asOf) {
  const time = Date.parse(asOf);
  const found = await runsBetween("run_after", time, time);
  return newestOf(found, time) ?? newestOf(await runsBetween("logical_date", time - HOUR, time), time);
}

/** One run of a DAG, by its id. */
export async function readRun(dagId, runId) {
  return call(`dags/${encodeURIComponent(dagId)}/dagRuns/${encodeURIComponent(runId)}`);
}

/** The path of the log that says what became of a ticker: of the task after the last stage that was completed. */
export function logPath(run, outcome) {
  const task = NEXT_TASKS[outcome.stage] ?? "predict";
  return `${runPath(HOURLY, run.dag_run_id)}/tasks/${task}/mapped/${outcome.shard_index}`;
}

/** Of the runs, the one of this instant that started last; null without one. */
export function newestOf(runs, time) {
  const same = runs.filter((run) => Date.parse(asOfOf(run)) === time);
  return same.sort((one, other) => Date.parse(other.start_date ?? 0) - Date.parse(one.start_date ?? 0))[0] ?? null;
}

async function runsBetween(field, from, to) {
  const query = new URLSearchParams({
    [`${field}_gte`]: new Date(from).toISOString(), [`${field}_lte`]: new Date(to).toISOString(), limit: 50, order_by: "-run_after",
  });
  return (await call(`dags/${HOURLY}/dagRuns?${query}`)).dag_runs;
}
