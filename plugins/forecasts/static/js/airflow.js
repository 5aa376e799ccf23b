// Airflow's own REST API and pages, with the login and the rights of the person who looks at this page.
// The browser sends the login's cookie by itself, and only from Airflow's own address.

const AIRFLOW = new URL("../../../", import.meta.url);
const ONBOARDING = "dags/onboard_ticker";
const REFUSED = "Your login may look at tickers, but not request any. Ask for a role that may start DAGs.";
const LOGGED_OUT = "Your login has ended. Reload Airflow's page to log in again.";

/** Starts a run of onboard_ticker with these parameters; its id. */
export async function requestTickers(conf) {
  const run = await call(`${ONBOARDING}/dagRuns`, { method: "POST", body: JSON.stringify({ logical_date: null, conf }) });
  return run.dag_run_id;
}

/** The state of a run of onboard_ticker: queued, running, success or failed. */
export async function runState(runId) {
  const run = await call(`${ONBOARDING}/dagRuns/${encodeURIComponent(runId)}`);
  return run.state;
}

/** Whether somebody has paused onboard_ticker, so that its runs wait. */
export async function isPaused() {
  return (await call(ONBOARDING)).is_paused;
}

/** The path of a run's page below Airflow's address. */
export function runPath(dagId, runId) {
  return `dags/${encodeURIComponent(dagId)}/runs/${encodeURIComponent(runId)}`;
}

/** Lets a link lead to a page of Airflow, also from within its frame, whose sandbox blocks `target=_top`. */
export function leadTo(link, path) {
  link.href = new URL(path, AIRFLOW);
  link.addEventListener("click", (event) => {
    if (parent === window || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const outer = parent.document.createElement("a");
    outer.href = link.href;
    parent.document.body.append(outer);
    outer.click();
    outer.remove();
  });
  return link;
}

/** What Airflow's REST API returns for a path below /api/v2. */
export async function call(path, options = {}) {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(new URL(`api/v2/${path}`, AIRFLOW), { credentials: "same-origin", headers, ...options });
  } catch {
    throw failure("offline", "Airflow's server does not respond. Try again in a moment.");
  }
  if (response.ok) return response.json();
  if (response.status === 401) throw failure("login", LOGGED_OUT);
  if (response.status === 403) throw failure("forbidden", REFUSED);
  const { detail } = await response.json().catch(() => ({}));
  throw failure("airflow", `Airflow refused the request: ${typeof detail === "string" ? detail : `status ${response.status}`}`);
}

function failure(code, message) {
  return Object.assign(new Error(message), { code });
}
