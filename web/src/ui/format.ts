// Numbers, times and ages as the reader writes them. Times are shown in the browser's local time zone, or in UTC.
// Hours are counted to 24 everywhere.

import { signal } from "@preact/signals";
import { locale } from "../words/index.ts";

const SAVED = "basalt.times";

/** Whether times are UTC instead of local. */
export const isUtc = signal(localStorage.getItem(SAVED) === "utc");

export function setUtc(wanted: boolean): void {
  localStorage.setItem(SAVED, wanted ? "utc" : "local");
  isUtc.value = wanted;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** A time in the reader's zone and language. */
export function formatTime(time: number, options: Intl.DateTimeFormatOptions): string {
  const zone = isUtc.value ? { timeZone: "UTC" } : {};
  const key = JSON.stringify([locale.value, zone, options]);
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(locale.value, { hourCycle: "h23", ...zone, ...options });
    formats.set(key, format);
  }
  return format.format(time);
}

const DATE = { year: "numeric", month: "2-digit", day: "2-digit" } as const;
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;

/** Date and time to the second, or to the millisecond where it has any. */
export function dateTime(time: number): string {
  const fraction = time % 1000 === 0 ? {} : { fractionalSecondDigits: 3 as const };
  return formatTime(time, { ...DATE, ...CLOCK, ...fraction });
}

/** The time alone for what is less than a day old, else with its date. */
export function shortTime(time: number, present: number): string {
  return Math.abs(present - time) < 86_400_000 ? formatTime(time, CLOCK) : formatTime(time, { ...DATE, hour: "2-digit", minute: "2-digit" });
}

/** The name of the zone that times are shown in. */
export function zoneName(): string {
  if (isUtc.value) return "UTC";
  const parts = new Intl.DateTimeFormat(locale.value, { timeZoneName: "short" }).formatToParts();
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "";
}

/** A measured value: six significant digits, which is more than a chart can show and less than noise. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  const notation = size !== 0 && (size >= 1e9 || size < 1e-4) ? "scientific" : "standard";
  return new Intl.NumberFormat(locale.value, { maximumSignificantDigits: 6, notation }).format(value);
}

/** A value for a glance: four digits or the whole part, and of a fraction always as many, so that it does not jump while it changes. */
export function formatGlance(value: number): string {
  const size = Math.abs(value);
  if (Number.isInteger(value) || size < 0.01 || size >= 1e9) return formatNumber(value);
  const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
  return new Intl.NumberFormat(locale.value, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

/** A whole number; one of 64 bits may come as text. */
export function formatCount(value: number | string): string {
  return new Intl.NumberFormat(locale.value).format(Number(value));
}

/** A share from 0 to 1. What is not finished is never called 100 %. */
export function formatPercent(share: number): string {
  const whole = share >= 1 ? 1 : Math.min(0.99, Math.floor(share * 100) / 100);
  return new Intl.NumberFormat(locale.value, { style: "percent", maximumFractionDigits: 0 }).format(whole);
}

const SIZES: [number, string][] = [
  [2 ** 40, "TiB"],
  [2 ** 30, "GiB"],
  [2 ** 20, "MiB"],
  [2 ** 10, "KiB"],
];

/** A number of bytes, to three digits; one of 64 bits may come as text. */
export function formatBytes(value: number | string): string {
  const bytes = Number(value);
  const [size, unit] = SIZES.find(([size]) => bytes >= size) ?? [1, "B"];
  return `${new Intl.NumberFormat(locale.value, { maximumSignificantDigits: 3 }).format(bytes / size)} ${unit}`;
}

const UNITS: [number, string][] = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
  [1000, "second"],
];

/** A length of time in its largest unit, such as `5 min`. */
export function duration(length: number): string {
  const positive = Math.max(0, length);
  const [size, unit] = UNITS.find(([size]) => positive >= size) ?? (positive === 0 ? [1000, "second"] : [1, "millisecond"]);
  const style = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 } as const;
  return new Intl.NumberFormat(locale.value, style).format(Math.floor(positive / size));
}
