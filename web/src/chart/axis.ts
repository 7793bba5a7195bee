// Texts of the time axis: the clock, and below it the date where one begins.

import { formatTime } from "../ui/format.ts";

const DAY = 86_400;

function clock(step: number): Intl.DateTimeFormatOptions {
  const minutes = { hour: "2-digit", minute: "2-digit" } as const;
  if (step >= 60) return minutes;
  const seconds = { ...minutes, second: "2-digit" } as const;
  return step >= 1 ? seconds : { ...seconds, fractionalSecondDigits: 3 };
}

/** A text for each tick; `splits` and `step` in seconds. */
export function tickTexts(splits: number[], step: number): string[] {
  let before = "";
  return splits.map((split) => {
    const time = split * 1000;
    if (step >= 28 * DAY) return formatTime(time, { year: "numeric", month: "short" });
    const day = formatTime(time, { day: "numeric", month: "short" });
    if (step >= DAY) return day;
    const isNew = day !== before;
    before = day;
    const text = formatTime(time, clock(step));
    return isNew ? `${text}\n${day}` : text;
  });
}
