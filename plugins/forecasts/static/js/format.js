// Numbers and times as people read them.

/** A price with two decimals, or as many as show four digits of a small one. */
export function price(value) {
  if (value === null || value === undefined) return "";
  const digits = Math.abs(value) >= 1 ? { minimumFractionDigits: 2, maximumFractionDigits: 2 } : { maximumSignificantDigits: 4 };
  return value.toLocaleString("en-US", digits);
}

/** A ratio in percent; `isSigned` puts a plus before a gain. */
export function percent(ratio, isSigned = false) {
  if (ratio === null || ratio === undefined) return "";
  const text = `${(100 * Math.abs(ratio)).toFixed(2)} %`;
  if (Number.parseFloat(text) === 0) return text;
  return (ratio < 0 ? "\u2212" : isSigned ? "+" : "") + text;
}

/** An instant on the clock of a time zone, with the zone's name. */
export function moment(instant, zone) {
  if (!instant) return "";
  return new Date(instant).toLocaleString("en-US", {
    timeZone: zone ?? "UTC", weekday: "short", day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit",
    hourCycle: "h23", timeZoneName: "short", // the American locale names zones: EST, not GMT-5
  });
}

/** The same, without the date if it is today there. */
export function shortMoment(instant, zone, now = Date.now()) {
  if (!instant) return "";
  const day = (at) => new Date(at).toLocaleDateString("en-US", { timeZone: zone ?? "UTC" });
  return day(instant) === day(now) ? moment(instant, zone).split(", ").at(-1) : moment(instant, zone);
}

/** How far away an instant is: "in 2 h 05 min", "14 min ago". */
export function distance(instant, now = Date.now()) {
  if (!instant) return "";
  const minutes = Math.round((new Date(instant) - now) / 60000);
  const size = Math.abs(minutes);
  const days = Math.floor(size / 1440);
  const hours = Math.floor((size % 1440) / 60);
  const parts = days ? `${days} d ${hours} h` : hours ? `${hours} h ${String(size % 60).padStart(2, "0")} min` : `${size} min`;
  return minutes >= 0 ? `in ${parts}` : `${parts} ago`;
}
