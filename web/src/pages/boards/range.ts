// The ranges of time that the charts of a board can show.

const HOUR = 3_600_000;

/** Length in milliseconds, and what it is called. */
export const RANGES = { "1h": [HOUR, "hour1"], "8h": [8 * HOUR, "hours8"], "24h": [24 * HOUR, "hours24"], "7d": [168 * HOUR, "days7"] } as const;

export type Range = keyof typeof RANGES;

/** The range of an address; eight hours, a shift, unless it names one. */
export function rangeOf(text: string | null): Range {
  return text !== null && Object.hasOwn(RANGES, text) ? (text as Range) : "8h";
}
