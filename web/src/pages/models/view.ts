// View of a model: its range, its scores, the numbers of a job.

import type { Extent, Point } from "../../chart/plain.ts";
import type { Range } from "../../chart/levels.ts";
import { parseRange, type RangeText } from "../../chart/range.ts";
import type { Job, ModelWindow } from "./types.ts";

export const COMMON = ["15m", "1h", "8h", "24h", "7d", "30d"] as const;
const USUAL: RangeText = { from: "now-1h", to: "now" };

/** The range of an address; the usual one for nonsense. */
export function rangeOf(query: URLSearchParams, now: number): { text: RangeText; range: Range } {
  const text = { from: query.get("from") ?? USUAL.from, to: query.get("to") ?? USUAL.to };
  const range = parseRange(text, now);
  return range ? { text, range } : { text: USUAL, range: parseRange(USUAL, now) as Range };
}

/** A range moved by a share of itself, never beyond now. */
export function movedRange({ from, to }: Range, share: number, now: number): Range {
  const by = Math.min((to - from) * share, Math.max(0, now - to));
  return { from: from + by, to: to + by };
}

export interface ScoreRow {
  t: string;
  lo: number;
  hi: number;
}

export function extentsOf(rows: ScoreRow[], step: number): Extent[] {
  return rows.map(({ t, lo, hi }) => ({ time: Date.parse(t) + step / 2, lo, hi }));
}

/** The values of one source in a window: as they were, and as the model expects them. */
export function columnOf({ timestamps, input, reconstruction }: ModelWindow, source: number): { actual: Point[]; expected: Point[] } {
  const column = (rows: number[][]) => timestamps.map((time, i) => ({ time: Date.parse(time), value: rows[i]?.[source] ?? NaN }));
  return { actual: column(input), expected: column(reconstruction) };
}

/** Jobs of a model, the newest first; those that go on before those that ended. */
export function jobsOf(jobs: Job[], model: number): Job[] {
  const goesOn = ({ state }: Job) => state === "queued" || state === "running";
  const own = jobs.filter(({ modelRowId }) => modelRowId === model);
  return [...own.filter(goesOn), ...own.filter((job) => !goesOn(job))];
}

/** Counts of a job that is done, such as `windows: 3,600`. */
export function resultText(result: Job["result"], show: (value: number) => string): string {
  const entries = Object.entries(result ?? {}).filter(([name, value]) => typeof value === "number" && name !== "model" && name !== "version");
  return entries.map(([name, value]) => `${name}: ${show(value as number)}`).join(", ");
}
