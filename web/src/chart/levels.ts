// Levels of detail: which step a view is drawn with, and the grid that its buckets lie on.

/** Monday 2000-01-03, UTC, from which the server counts the buckets of `time_bucket`; milliseconds. */
export const ORIGIN = Date.UTC(2000, 0, 3);
/** Buckets in a tile. */
export const TILE = 512;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Every step there is, milliseconds. Whole weeks and below divide the grid of the origin. */
export const STEPS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  DAY,
  7 * DAY,
];

/** A range of time, milliseconds since 1970; `to` does not belong to it. */
export interface Range {
  from: number;
  to: number;
}

/** The smallest step with at most one bucket a pixel; the largest there is for what is longer. */
export function stepFor(range: Range, width: number): number {
  const least = (range.to - range.from) / Math.max(1, width);
  return STEPS.find((step) => step >= least) ?? (STEPS.at(-1) as number);
}

/** The interval of a step in SQL. */
export function stepText(step: number): string {
  if (step % DAY === 0) return `${step / DAY} days`;
  if (step % HOUR === 0) return `${step / HOUR} hours`;
  if (step % MINUTE === 0) return `${step / MINUTE} minutes`;
  if (step % SECOND === 0) return `${step / SECOND} seconds`;
  return `${step} milliseconds`;
}

/** The tile that a time lies in. Tiles are counted from the origin, so panning moves no bucket. */
export function tileAt(time: number, step: number): number {
  return Math.floor((time - ORIGIN) / (step * TILE));
}

/** The time that a tile covers. */
export function tileRange(index: number, step: number): Range {
  const from = ORIGIN + index * step * TILE;
  return { from, to: from + step * TILE };
}

/** The tiles that a range touches, first and last. */
export function tilesOf(range: Range, step: number): [number, number] {
  return [tileAt(range.from, step), tileAt(Math.max(range.from, range.to - 1), step)];
}

/** A range made longer or shorter by a factor, with this time staying where it is. */
export function zoomed(range: Range, factor: number, about: number): Range {
  const span = Math.min(Math.max((range.to - range.from) * factor, 10), 50 * 365 * DAY);
  const share = (about - range.from) / (range.to - range.from);
  return { from: about - span * share, to: about + span * (1 - share) };
}
