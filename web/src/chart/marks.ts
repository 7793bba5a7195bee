// Marks that are drawn of a stream: its buckets or readings in the order of time, and which of them are joined.

import type { Block } from "./tiles.ts";

/** Arrays by mark. A mark without a value (`lo` is NaN) breaks the line. */
export interface Marks {
  /** Begin and end of the bucket, milliseconds; equal for a single reading. */
  start: number[];
  end: number[];
  lo: number[];
  hi: number[];
  mean: number[];
  n: number[];
  bad: number[];
  uncertain: number[];
}

export function marksOf(blocks: Block[]): Marks {
  const marks: Marks = { start: [], end: [], lo: [], hi: [], mean: [], n: [], bad: [], uncertain: [] };
  for (const { tile, step, from, to } of blocks) {
    const width = tile.isRaw ? 0 : step;
    for (let i = 0; i < tile.t.length; i += 1) {
      const t = tile.t[i] as number;
      // A bucket belongs to the block in which it begins; the view's edge may cut the first.
      if (t + width < from || t >= to || (t === marks.start.at(-1) && !tile.isRaw)) continue;
      marks.start.push(t);
      marks.end.push(t + width);
      marks.lo.push(tile.lo[i] as number);
      marks.hi.push(tile.hi[i] as number);
      marks.mean.push(tile.mean[i] as number);
      marks.n.push(tile.n[i] as number);
      marks.bad.push(tile.bad[i] as number);
      marks.uncertain.push(tile.uncertain[i] as number);
    }
  }
  return marks;
}

/** Moves marks so many milliseconds later. */
export function moved(marks: Marks, by: number): Marks {
  const later = (time: number) => time + by;
  return { ...marks, start: marks.start.map(later), end: marks.end.map(later) };
}

/** Readings may be so many intervals apart and still be joined. */
const JOINED = 3;

/** Marks do not change, and every frame asks. */
const medians = new WeakMap<Marks, number>();

/** The interval between readings, milliseconds: the one that is set, else the median of what is seen. */
export function intervalOf(marks: Marks, setting: number | null): number {
  if (setting !== null) return setting * 1000;
  const known = medians.get(marks) ?? median(marks);
  medians.set(marks, known);
  return known;
}

function median(marks: Marks): number {
  const apart: number[] = [];
  for (let i = 1; i < marks.start.length; i += 1) {
    const distance = (marks.start[i] as number) - (marks.start[i - 1] as number);
    apart.push(distance / Math.max(1, marks.n[i - 1] as number));
  }
  apart.sort((a, b) => a - b);
  return apart[apart.length >> 1] ?? Infinity;
}

/**
 * Whether a mark is joined to the one before it. Of buckets only the least possible distance of their readings is known: the
 * time between the end of one and the start of the other. So a gap is drawn only where there certainly is one.
 */
export function isJoined(marks: Marks, i: number, interval: number): boolean {
  if (i === 0 || Number.isNaN(marks.lo[i]) || Number.isNaN(marks.lo[i - 1])) return false;
  return (marks.start[i] as number) - (marks.end[i - 1] as number) <= JOINED * interval;
}

/** Smallest and largest value of what is seen of a range, also of lines that come in from outside; undefined if nothing is. */
export function extent(marks: Marks, from: number, to: number, interval: number): [number, number] | undefined {
  let lo = Infinity;
  let hi = -Infinity;
  const isInside = (i: number) => (marks.end[i] as number) >= from && (marks.start[i] as number) <= to;
  for (let i = 0; i < marks.lo.length; i += 1) {
    const comesIn = i + 1 < marks.lo.length && isInside(i + 1) && isJoined(marks, i + 1, interval);
    const goesOut = i > 0 && isInside(i - 1) && isJoined(marks, i, interval);
    if (!isInside(i) && !comesIn && !goesOut) continue;
    // NaN is neither smaller nor larger.
    if ((marks.lo[i] as number) < lo) lo = marks.lo[i] as number;
    if ((marks.hi[i] as number) > hi) hi = marks.hi[i] as number;
  }
  return lo <= hi ? [lo, hi] : undefined;
}

/** The mark at a time: the bucket around it, or the nearest within a distance; -1 if there is none. */
export function markAt(marks: Marks, time: number, within: number): number {
  let best = -1;
  let least = within;
  for (let i = 0; i < marks.start.length; i += 1) {
    const [start, end] = [marks.start[i] as number, marks.end[i] as number];
    const distance = time < start ? start - time : time >= end ? time - end : 0;
    if (distance <= least) [best, least] = [i, distance];
  }
  return best;
}
