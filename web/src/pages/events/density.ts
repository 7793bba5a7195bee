// How many events there were over time, as parts of a strip.

export interface LevelCount {
  t: string;
  level: string;
  n: number;
}

export interface Part {
  /** Milliseconds since 1970. */
  from: number;
  to: number;
  count: number;
  /** The gravest level among them. */
  level: string;
}

const LEVELS = ["info", "warning", "error", "critical"];
/** Parts of a strip, at most. */
const MOST = 96;
const SECONDS = [60, 300, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800];

/** Seconds of each part. */
export function stepOf(from: number, to: number): number {
  const wanted = (to - from) / 1000 / MOST;
  return SECONDS.find((step) => step >= wanted) ?? 2_592_000;
}

/** Parts in which something happened, each with its gravest level. */
export function partsOf(rows: LevelCount[], step: number): Part[] {
  const parts = new Map<string, Part>();
  for (const { t, level, n } of rows) {
    const known = parts.get(t);
    const from = Date.parse(t);
    const gravest = known && LEVELS.indexOf(known.level) > LEVELS.indexOf(level) ? known.level : level;
    parts.set(t, { from, to: from + step * 1000, count: (known?.count ?? 0) + n, level: gravest });
  }
  return [...parts.values()].sort((a, b) => a.from - b.from);
}

/** A time as fields of a form have it: of this computer's zone, without one. */
export function localTime(time: number): string {
  return new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
