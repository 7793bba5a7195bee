// A stream as a chart draws it.

import { isState, type Stream } from "../api/types.ts";
import { LONGEST_HOLD } from "./priorReading.ts";
import { intervalOf, type Marks } from "./marks.ts";
import type { SeriesStyle } from "./palette.ts";

export interface Series {
  stream: Stream;
  style: SeriesStyle;
  isStepped: boolean;
  /** Whether this is what the stream did before, for comparison. */
  isBefore: boolean;
}

/** Looks up the known marks of a stream: in the view, or of the time that it is compared with. */
export type MarksOf = (stream: number, isBefore: boolean) => Marks;

/** Length of dashes of the time before, CSS pixels. */
const BEFORE_DASH = 4;

/** Whether values hold until the next one: of states, and of what is stored on change. */
export function isSteppedByNature(stream: Stream): boolean {
  return isState(stream.type) || stream.deadband !== null;
}

/** Milliseconds between two readings: joined are those at most three of them apart. */
export function readingInterval(stream: Stream, marks: Marks): number {
  if (stream.deadband !== null) return LONGEST_HOLD / 3;
  return intervalOf(marks, stream.pollInterval ?? stream.device?.pollInterval ?? null);
}

/** Adds the streams as they were in the time before, thinner and below. */
export function withBefore(series: Series[]): Series[] {
  const before = series.map((one) => ({ ...one, style: { ...one.style, dash: one.style.dash || BEFORE_DASH }, isBefore: true }));
  return [...before, ...series];
}

/** Streams of one unit share an axis; states have one each. */
export function groupByUnit(series: Series[]): Series[][] {
  const groups = new Map<string, Series[]>();
  for (const one of series) {
    const key = isState(one.stream.type) ? `state ${one.stream.rowId}` : `unit ${one.stream.unit}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}
