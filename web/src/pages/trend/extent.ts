// All data of the chosen streams at a glance: how many readings when, and events. Pure but for the questions.

import { rows } from "../../api/rows.ts";
import { DAY, type Range, stepFor, stepText } from "../../chart/levels.ts";

/** Readings or events of a bucket. */
export interface Count {
  time: number;
  n: number;
}

export interface Extent {
  range: Range;
  step: number;
  readings: Count[];
  events: Count[];
}

/** Buckets of the strip at most. */
const BUCKETS = 300;

const COUNTS = (streams: number[]) => `SELECT time_bucket($step, ts) AS t, count(*) AS n
FROM readings
WHERE stream_id IN (${streams.join(", ")}) AND ts >= $from AND ts < $to
GROUP BY 1
ORDER BY 1`;

const EVENTS = (streams: number[]) => `SELECT time_bucket($step, ts) AS t, count(*) AS n
FROM events
WHERE ts >= $from AND ts < $to AND (kind = 'anomaly' OR stream_id IN (${streams.join(", ")}))
GROUP BY 1
ORDER BY 1`;

const ALWAYS = { from: "1970-01-01T00:00:00Z", to: "2261-12-31T00:00:00Z" };

const countsOf = (found: { t: string; n: number }[]): Count[] => found.map(({ t, n }) => ({ time: Date.parse(t), n }));

/** The range of days with readings, to the end of the last one or to now; undefined without any. */
export function rangeOfDays(days: Count[], now: number): Range | undefined {
  const [first, last] = [days[0], days.at(-1)];
  if (!first || !last) return undefined;
  const end = last.time + DAY;
  return { from: first.time, to: last.time <= now && end > now ? now : end };
}

/** The range from the first reading to the bucket of the last one: days begin and end far from them. */
export function trimmed(range: Range, readings: Count[], step: number): Range {
  const [first, last] = [readings[0], readings.at(-1)];
  if (!first || !last) return range;
  return { from: Math.max(range.from, first.time), to: Math.min(range.to, last.time + step) };
}

/** Questions in ever smaller steps, at most. */
const TURNS = 2;

/** Asks by day for what there is, then in steps that fit the strip. Statistics of minutes answer most of it. */
export async function loadExtent(streams: number[], hasEvents: boolean, now: number, signal: AbortSignal): Promise<Extent | undefined> {
  if (streams.length === 0) return undefined;
  type CountRow = { t: string; n: number };
  const paramsOf = ({ from, to }: Range, step: number) => ({ step: stepText(step), from: new Date(from).toISOString(), to: new Date(to).toISOString() });
  let readings = countsOf(await rows<CountRow>(COUNTS(streams), { step: stepText(DAY), ...ALWAYS }, signal));
  let range = rangeOfDays(readings, now);
  if (!range) return undefined;
  let step = DAY;
  for (let turn = 0; turn < TURNS && stepFor(range, BUCKETS) < step; turn += 1) {
    step = stepFor(range, BUCKETS);
    readings = countsOf(await rows<CountRow>(COUNTS(streams), paramsOf(range, step), signal));
    range = trimmed(range, readings, step);
  }
  const events = hasEvents ? countsOf(await rows<CountRow>(EVENTS(streams), paramsOf(range, step), signal)) : [];
  return { range, step, readings, events };
}

/** Bars of counts as one path, from none to the largest; the root tells few from none. */
export function barsPath(counts: Count[], { from, to }: Range, step: number, width: number, height: number): string {
  const most = Math.sqrt(Math.max(1, ...counts.map(({ n }) => n)));
  const x = (time: number) => ((time - from) / (to - from)) * width;
  return counts
    .map(({ time, n }) => {
      const [left, right] = [x(time), Math.max(x(time + step), x(time) + 1)];
      const top = height - Math.max(1, (Math.sqrt(n) / most) * height);
      return `M${left.toFixed(1)} ${height}V${top.toFixed(1)}H${right.toFixed(1)}V${height}Z`;
    })
    .join("");
}

/** Part of the window that a pointer has taken hold of. */
export type Grip = "from" | "to" | "whole";

/** The part of the window at a place; `near` is how close to an edge counts as it, in time. */
export function gripAt(time: number, window: Range, near: number): Grip | undefined {
  if (Math.abs(time - window.from) <= near) return "from";
  if (Math.abs(time - window.to) <= near) return "to";
  return time > window.from && time < window.to ? "whole" : undefined;
}

/** The window after its part was moved by a time. It stays at least so long. */
export function dragged(window: Range, grip: Grip, by: number, least: number): Range {
  if (grip === "whole") return { from: window.from + by, to: window.to + by };
  if (grip === "from") return { from: Math.min(window.from + by, window.to - least), to: window.to };
  return { from: window.from, to: Math.max(window.to + by, window.from + least) };
}
