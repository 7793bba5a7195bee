// Days of a stream, with the share of each in which it has values; and the bounds of what is looked at.

const DAY = 86_400_000;

/** Ranges that can be looked at, days. */
export const SPANS = [1, 7, 30, 90, 365] as const;
export type Span = (typeof SPANS)[number];

/** Limits from which on a gap is listed, in SQL. */
export const LIMITS = ["1 minute", "5 minutes", "1 hour", "1 day"] as const;
export type Limit = (typeof LIMITS)[number];

export interface Day {
  /** Begin of the day, UTC, milliseconds. */
  time: number;
  /** From 0 to 1; 0 also without any row. */
  share: number;
  /** Whether values are missing: the day is after the stream was made, or after its first value, and has none. */
  isMissing: boolean;
}

export function spanOf(text: string | null): Span {
  return SPANS.find((span) => String(span) === text) ?? 30;
}

export function limitOf(text: string | null): Limit {
  return LIMITS.find((limit) => limit === text) ?? "5 minutes";
}

/** Begin of a span that ends now: of whole days, in UTC, as the server counts them. */
export function beginOf(span: Span, now: number): number {
  return span === 1 ? now - DAY : (Math.floor(now / DAY) - span + 1) * DAY;
}

/** Every day of a span, also those of which the server says nothing because they have no value. */
export function everyDay(found: { day: string; share: number }[], created: number, from: number, to: number): Day[] {
  const shares = new Map(found.map(({ day, share }) => [Math.floor(Date.parse(day) / DAY), share]));
  const [first, last] = [Math.floor(from / DAY), Math.floor(to / DAY)];
  const since = Math.min(Math.floor(created / DAY), ...shares.keys());
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const share = shares.get(first + i) ?? 0;
    return { time: (first + i) * DAY, share, isMissing: share === 0 && first + i >= since };
  });
}
