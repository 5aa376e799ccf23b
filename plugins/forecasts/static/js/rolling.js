// Accuracy over time: means over the last days with their standard errors. A day is one observation, because the
// forecasts of a day err together.

export const ROLLING_DAYS = 20;
const LEAST_DAYS = 5;

/** Rows of bi.accuracy_daily as one entry a day, oldest first: regular forecasts only. */
export function byDay(rows) {
  const days = new Map();
  for (const row of rows) {
    if (row.is_refresh || [row.mean_crps, row.random_walk_mean_crps, row.har_mean_crps].includes(null)) continue;
    const day = days.get(row.day_exchange) ?? { day: row.day_exchange, count: 0, crps: 0, walk: 0, har: 0, inside: 0 };
    day.count += row.forecast_count;
    day.crps += row.forecast_count * row.mean_crps;
    day.walk += row.forecast_count * row.random_walk_mean_crps;
    day.har += row.forecast_count * row.har_mean_crps;
    day.inside += row.forecast_count * row.coverage_90_ratio;
    days.set(row.day_exchange, day);
  }
  return [...days.values()].sort((one, other) => (one.day < other.day ? -1 : 1));
}

/** The ratio of two sums over days, and its standard error; the error is null with fewer than two days. */
export function ratioOfSums(tops, bottoms) {
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const bottom = sum(bottoms);
  if (!bottom) return { ratio: null, error: null };
  const ratio = sum(tops) / bottom;
  const count = tops.length;
  if (count < 2) return { ratio, error: null };
  const squares = sum(tops.map((top, index) => (top - ratio * bottoms[index]) ** 2));
  return { ratio, error: (Math.sqrt(squares) * Math.sqrt(count / (count - 1))) / bottom };
}

/**
 * For each day from the fifth on the figures of the days up to it, `span` at most: mean CRPS of ours, the random walk and HAR in basis
 * points, skill against the random walk and coverage of the 90 % interval, each { ratio, error }.
 */
export function rolling(days, span = ROLLING_DAYS) {
  return days.slice(LEAST_DAYS - 1).map((day, place) => {
    const index = place + LEAST_DAYS - 1;
    const window = days.slice(Math.max(0, index + 1 - span), index + 1);
    const column = (name) => window.map((each) => each[name]);
    const lost = ratioOfSums(column("crps"), column("walk"));
    const mean = (name) => ratioOfSums(column(name), column("count")).ratio;
    return {
      day: day.day,
      dayCount: window.length,
      crps: mean("crps"), walk: mean("walk"), har: mean("har"),
      skill: { ratio: lost.ratio === null ? null : 1 - lost.ratio, error: lost.error },
      coverage: ratioOfSums(column("inside"), column("count")),
    };
  });
}

/** Within what the observed share lies in 95 of 100 cases if the level is right. */
export function calibrationBand(level, count) {
  const reach = 1.96 * Math.sqrt((level * (1 - level)) / Math.max(1, count));
  return [Math.max(0, level - reach), Math.min(1, level + reach)];
}
