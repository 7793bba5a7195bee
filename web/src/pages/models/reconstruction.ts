// The answer of a reconstruction over a range, and the lines that are drawn of it.

import { type Range, stepFor } from "../../chart/levels.ts";
import type { Point } from "../../chart/plain.ts";

export interface ReconstructionAnswer {
  /** Row numbers of the streams, in the order of the values of a window. */
  sources: number[];
  windows: { timestamp: string; actual: number[]; expected: number[]; share: number[] | null }[];
}

/** Points of a chart at most. */
const POINTS = 500;

export function reconstructionPath(model: number, range: Range): string {
  const query = new URLSearchParams({
    from: new Date(range.from).toISOString(),
    to: new Date(range.to).toISOString(),
    step: String(Math.max(1, stepFor(range, POINTS) / 1000)),
  });
  return `/api/ai/model/${model}/reconstruction/?${query}`;
}

export interface SourceLines {
  actual: Point[];
  expected: Point[];
  /** Points farther apart have windows missing between them, milliseconds. */
  apart: number;
}

/** The lines of each source, by its row number. */
export function linesOf({ sources, windows }: ReconstructionAnswer): Map<number, SourceLines> {
  const line = (source: number, of: "actual" | "expected"): Point[] =>
    windows.map((window) => ({ time: Date.parse(window.timestamp), value: window[of][source] as number }));
  return new Map(
    sources.map((id, source) => {
      const actual = line(source, "actual");
      return [id, { actual, expected: line(source, "expected"), apart: leastStep(actual) * 2.5 }];
    }),
  );
}

/** The mean share of each source in the error of a window, by its row number; null when no window has an error. */
export function sharesOf({ sources, windows }: ReconstructionAnswer): Map<number, number | null> {
  const shares = windows.flatMap(({ share }) => (share ? [share] : []));
  const mean = (source: number) => shares.reduce((sum, share) => sum + (share[source] as number), 0) / shares.length;
  return new Map(sources.map((id, source) => [id, shares.length > 0 ? mean(source) : null]));
}

/** The shortest time between two points; Infinity for less than two. */
function leastStep(points: Point[]): number {
  return points.reduce((least, { time }, i) => (i > 0 ? Math.min(least, time - (points[i - 1] as Point).time) : least), Infinity);
}
