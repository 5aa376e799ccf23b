// Reads the API. A failure is an Error with a sentence for people; its `code` is the problem's word for programs.

const ROOT = new URL("../../api/v1/", import.meta.url);

/** The address of a path below /api/v1; empty parameters are left out, and a list is one parameter for each item. */
export function apiAddress(path, parameters = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(parameters)) {
    if (Array.isArray(value)) for (const item of value) url.searchParams.append(name, item);
    else if (value !== "" && value !== null && value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

/** What a path below /api/v1 returns. */
export async function read(path, parameters = {}) {
  const url = apiAddress(path, parameters);
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", headers: { Accept: "application/json" } });
  } catch {
    throw failure("offline", "Airflow's server does not respond. The page tries again by itself.");
  }
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401) throw failure("login", "Your login has ended. Reload Airflow's page to log in again.");
  throw failure(problem.code ?? "error", problem.detail ?? `The server responded with status ${response.status}.`);
}

function failure(code, message) {
  return Object.assign(new Error(message), { code });
}
