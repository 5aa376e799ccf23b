// From the API's rows to what the chart draws: fans, ranges and marks. Times are seconds since 1970, the ends of bars.

export const QUANTILES = ["q05", "q25", "q50", "q75", "q95"];
const FAN_BARS = 7;
const NAMED_SECONDS = 10 * 86_400; // reasons name a day without its year

/** An instant in seconds. */
export const seconds = (instant) => Math.floor(new Date(instant).getTime() / 1000);

/** Rows of a fan that starts from a price at an instant; `fan` says which rows belong together. */
export function fanRows(startedAt, price, bars, fan = 0) {
  const start = seconds(startedAt);
  const ahead = bars
    .filter((bar) => seconds(bar.target_at) > start)
    .map((bar) => ({ time: seconds(bar.target_at), fan, ...pick(bar, QUANTILES) }));
  if (price === null || !ahead.length) return ahead;
  return [{ time: start, fan, ...Object.fromEntries(QUANTILES.map((name) => [name, price])) }, ...ahead];
}

/** For each past bar, the newest regular forecast that was made one bar ahead. */
export function nextBarRanges(forecasts) {
  const rows = new Map();
  for (const forecast of forecasts) {
    const bar = forecast.bars.find((each) => each.horizon === 1);
    if (!bar || forecast.is_refresh || bar.actual_close === null || rows.has(bar.target_at)) continue;
    rows.set(bar.target_at, { time: seconds(bar.target_at), ...pick(bar, QUANTILES) });
  }
  return [...rows.values()].sort((one, other) => one.time - other.time);
}

/**
 * Past regular forecasts as fans that follow one another: each starts where the one before it ends.
 * Two lists of rows, of every other fan, because neighbours share the time at which they meet.
 */
export function successiveFans(forecasts) {
  const regular = forecasts
    .filter((forecast) => !forecast.is_refresh && forecast.bars.length === FAN_BARS)
    .sort((one, other) => seconds(one.anchored_at) - seconds(other.anchored_at));
  const sides = [[], []];
  let free = -Infinity;
  let number = 0;
  for (const forecast of regular) {
    if (seconds(forecast.anchored_at) < free) continue;
    sides[number % 2].push(...fanRows(forecast.anchored_at, forecast.last_close, forecast.bars, number));
    free = seconds(forecast.bars.at(-1).target_at);
    number += 1;
  }
  return sides;
}

const LETTERS = { report: "R", filing: "F", dividend: "D", split: "S", announcement: "A", backbone: "B" };
const TITLES = {
  report: "Report", filing: "Filed report", dividend: "Dividend", split: "Split", announcement: "Announcement", backbone: "Backbone", "scale change": "Change of price scale",
  "scale step": "Question about the price scale", "scale shift": "Question about the price scale",
};

/** An event's kind as people say it. */
export const eventTitle = (event) => TITLES[event.kind] ?? event.kind;

/**
 * Marks of events on the bars, past and forecast: { time, text, titles }, one a bar, in order.
 * `places` are { time, day } of all bars in order; an event without a bar in view has no mark.
 */
export function eventMarks(events, places) {
  const marks = new Map();
  for (const event of events) {
    const place = placeOf(event, places);
    if (!place) continue;
    const mark = marks.get(place.time) ?? { time: place.time, text: "", titles: [] };
    const letter = LETTERS[event.kind] ?? "!";
    if (!mark.text.includes(letter)) mark.text += letter;
    mark.titles.push(event.description ?? eventTitle(event));
    marks.set(place.time, mark);
  }
  return [...marks.values()].sort((one, other) => one.time - other.time);
}

/** The bar that an event moves. A report after the close moves the first bar of the next day. */
function placeOf(event, places) {
  const isAnnouncement = event.kind === "announcement";
  if (event.effective_at) {
    const time = seconds(event.effective_at);
    const index = places.findIndex((place) => (isAnnouncement ? place.time >= time : place.time > time));
    return index > 0 || places[0]?.time === time ? places[index] : undefined;
  }
  const isLater = event.timing === "after_close";
  const index = places.findIndex((place) => (isLater ? place.day > event.day_exchange : place.day >= event.day_exchange));
  const place = places[index];
  if (!place || (!isLater && place.day !== event.day_exchange)) return undefined;
  return isLater && index === 0 ? undefined : place;
}

/**
 * The report with a filing that was accepted when a forecast was made: the one of the day that its reasons name, or else
 * the newest. `events` are the newest first.
 */
export function reportBehind(events, reasons, asOf) {
  const known = events.filter((event) => event.kind === "report" && event.receipt && event.reported_at && seconds(event.reported_at) <= seconds(asOf));
  const named = known.find((event) => seconds(asOf) - seconds(event.reported_at) < NAMED_SECONDS
    && new RegExp(`\\b${shortDay(event.day_exchange)}\\b`).test(reasons ?? ""));
  return { report: named ?? known[0], isNamed: named !== undefined };
}

/** A day as the reasons write it: 2 Apr. */
function shortDay(day) {
  return new Date(day).toLocaleDateString("en-GB", { timeZone: "UTC", day: "numeric", month: "short" }).replace("Sept", "Sep");
}

/** The forecasts of the newest night that was refreshed, oldest first: the regular one, and how the price moved it. */
export function newestNight(forecasts) {
  const refreshed = forecasts.find((forecast) => forecast.is_refresh);
  if (!refreshed) return [];
  return forecasts.filter((forecast) => forecast.anchored_at === refreshed.anchored_at).reverse();
}

function pick(row, names) {
  return Object.fromEntries(names.map((name) => [name, row[name]]));
}
