// Ranges of time as people and addresses write them: `now`, `now-24h`, ISO-8601, or a local date and time.

import { DAY, type Range } from "./levels.ts";

/** The range as it is written. */
export interface RangeText {
  from: string;
  to: string;
}

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: DAY, w: 7 * DAY, y: 365 * DAY };

/** A point in time, milliseconds; undefined if the text is none. A text without a zone is local time. */
export function parseTime(text: string, now: number): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "now") return now;
  const ago = /^now\s*-\s*(\d+(?:\.\d+)?)\s*([smhdwy])$/.exec(trimmed);
  if (ago) return now - Number(ago[1]) * (UNITS[ago[2] as string] as number);
  const local = /^(\d{1,2})\.(\d{1,2})\.(\d{4})?(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/.exec(trimmed);
  if (local) {
    const [, day, month, year, hour, minute, second] = local;
    const full = Number(year ?? new Date(now).getFullYear());
    const date = new Date(full, Number(month) - 1, Number(day), Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0));
    return date.getMonth() === Number(month) - 1 ? date.getTime() : undefined;
  }
  if (!/^\d{4}-\d{2}-\d{2}/.test(trimmed)) return undefined;
  // A date alone would be UTC.
  const time = Date.parse(trimmed.length === 10 ? `${trimmed}T00:00` : trimmed.replace(" ", "T"));
  return Number.isNaN(time) ? undefined : time;
}

/** The range that the texts mean; undefined if they mean none. */
export function parseRange({ from, to }: RangeText, now: number): Range | undefined {
  const [begin, end] = [parseTime(from, now), parseTime(to, now)];
  return begin === undefined || end === undefined || begin >= end ? undefined : { from: begin, to: end };
}

/** Whether the range ends now, and goes on. */
export function isLive({ to }: RangeText): boolean {
  return to.trim() === "now";
}

/** A range of fixed times, as it stands in addresses. */
export function rangeText({ from, to }: Range): RangeText {
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}

/**
 * How far before a time lies what it is compared with, such as `-7d`; milliseconds. Days and weeks are those of the calendar:
 * where the clock was changed in between, seven days are an hour more or less.
 */
export function parseShift(text: string, time: number, isUtc: boolean): number | undefined {
  const match = /^-(\d{1,5})([smhdw])$/.exec(text);
  if (!match) return undefined;
  const [count, unit] = [Number(match[1]), match[2] as string];
  if (count === 0) return undefined;
  if (isUtc || (unit !== "d" && unit !== "w")) return count * (UNITS[unit] as number);
  const before = new Date(time);
  before.setDate(before.getDate() - count * (unit === "w" ? 7 : 1));
  return time - before.getTime();
}
