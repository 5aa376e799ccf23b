// What a ticker's page shows, as the query of its address. Defaults are left out, so that a plain address stays plain.

const DAY = 86_400_000;

/** Periods that can be chosen: value -> [title, days]. */
export const PERIODS = {
  "5d": ["1 week", 7], "1m": ["1 month", 31], "3m": ["3 months", 92], "6m": ["6 months", 183], "1y": ["1 year", 366],
  "2y": ["2 years", 731],
};

/** What of past forecasts the chart can show: value -> title. */
export const PASTS = { ranges: "90 % ranges, one bar ahead", fans: "fans, seven bars each", none: "none" };

const DEFAULTS = {
  period: "1m", until: "", past: "ranges", forecast: "", horizon: "1", events: true, volume: true, night: true,
};

const CHECKS = {
  period: (value) => Object.hasOwn(PERIODS, value),
  until: (value) => /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value)),
  past: (value) => Object.hasOwn(PASTS, value),
  forecast: (value) => !Number.isNaN(Date.parse(value)),
  horizon: (value) => /^[1-7]$/.test(value),
};

/** The view that a query describes; what is missing or wrong has its default. */
export function readAddress(query) {
  const given = new URLSearchParams(query);
  const view = { ...DEFAULTS };
  for (const [name, value] of Object.entries(DEFAULTS)) {
    const text = given.get(name);
    if (text === null) continue;
    if (typeof value === "boolean") view[name] = text !== "off";
    else if (CHECKS[name](text)) view[name] = text;
  }
  return view;
}

/** The query of a view, with its question mark; empty for the default view. */
export function writeAddress(view) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(DEFAULTS)) {
    if (view[name] !== value) query.set(name, typeof value === "boolean" ? "off" : view[name]);
  }
  return query.size ? `?${query}` : "";
}

/** The first and last instant of a view's period as ISO texts; `until` is empty if the period ends now. */
export function periodOf(view, now = Date.now()) {
  const end = view.until ? Date.parse(`${view.until}T23:59:59Z`) : now;
  return { since: new Date(end - PERIODS[view.period][1] * DAY).toISOString(), until: view.until ? new Date(end).toISOString() : "" };
}
