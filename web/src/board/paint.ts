// Lines and states as shapes of SVG: a band from least to largest, a line through the means, and nothing where there is no data.

export interface Bucket {
  /** Milliseconds since 1970. */
  at: number;
  least: number;
  most: number;
  mean: number;
}

export interface Box {
  step: number;
  /** How far apart two buckets may be and still belong together. */
  longest: number;
  from: number;
  to: number;
  low: number;
  high: number;
  width: number;
  height: number;
}

/** Buckets, or readings of a stream, that are farther apart than this many steps or intervals have a gap between them. */
const GAP = 3;
/** A stream that is stored on change is silent for no longer than this, milliseconds: 1.5 times the default of the collector. */
const LONGEST_SILENCE = 900_000;

/** How far apart two buckets of a stream may be and still belong together, milliseconds. Intervals are in seconds. */
export function apart(step: number, interval: number | null, deadband: number | null): number {
  return Math.max(GAP * step, GAP * (interval ?? 0) * 1000, deadband === null ? 0 : LONGEST_SILENCE);
}

/** The step that gives at most `most` buckets, milliseconds. */
export function stepOf(from: number, to: number, most: number): number {
  const seconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
  const wanted = (to - from) / most;
  return (seconds.find((step) => step * 1000 >= wanted) ?? 604_800) * 1000;
}

/** Buckets without a gap between them. */
export function parts(buckets: Bucket[], longest: number): Bucket[][] {
  const found: Bucket[][] = [];
  for (const bucket of buckets) {
    const last = found.at(-1);
    const before = last?.at(-1);
    if (last && before && bucket.at - before.at <= longest) last.push(bucket);
    else found.push([bucket]);
  }
  return found;
}

/** The bounds of values, with some air; a single value is in the middle. */
export function bounds(buckets: Bucket[]): [number, number] {
  const low = Math.min(...buckets.map(({ least }) => least));
  const high = Math.max(...buckets.map(({ most }) => most));
  const air = high === low ? Math.abs(high) * 0.1 || 1 : (high - low) * 0.05;
  return [low - air, high + air];
}

function scale({ from, to, low, high, width, height }: Box) {
  const round = (value: number) => Math.round(value * 10) / 10;
  return {
    x: (at: number) => round(((at - from) / (to - from)) * width),
    y: (value: number) => round(height - ((value - low) / (high - low)) * height),
  };
}

/** The line through the means, each at the middle of its bucket. */
export function linePath(buckets: Bucket[], box: Box): string {
  const { x, y } = scale(box);
  const { step, longest } = box;
  return parts(buckets, longest)
    .map((part) => part.map(({ at, mean }, index) => `${index === 0 ? "M" : "L"}${x(at + step / 2)} ${y(mean)}`).join("") + (part.length === 1 ? "h0.1" : ""))
    .join("");
}

/** The band from least to largest. */
export function bandPath(buckets: Bucket[], box: Box): string {
  const { x, y } = scale(box);
  const { step, longest } = box;
  return parts(buckets, longest)
    .filter((part) => part.length > 1)
    .map((part) => {
      const above = part.map(({ at, most }) => `${x(at + step / 2)} ${y(most)}`);
      const below = part.map(({ at, least }) => `${x(at + step / 2)} ${y(least)}`).reverse();
      return `M${[...above, ...below].join("L")}Z`;
    })
    .join("");
}

export interface Change {
  at: number;
  state: string;
}

export interface Stretch {
  from: number;
  to: number;
  state: string;
}

/** How long each state lasted within a range. The last change before the range says how it began; the last one goes on. */
export function stretches(changes: Change[], from: number, to: number): Stretch[] {
  const found: Stretch[] = [];
  for (const { at, state } of changes) {
    const last = found.at(-1);
    if (last?.state === state) continue;
    if (last) last.to = Math.max(from, Math.min(at, to));
    found.push({ from: Math.max(from, at), to, state });
  }
  return found.filter((stretch) => stretch.to > stretch.from);
}
