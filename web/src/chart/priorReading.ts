// The reading before the tiles of a stream that is stored on change: its value holds into them, although it may be minutes old.

import { numbers, sql } from "../api/sql.ts";
import type { Marks } from "./marks.ts";

/** A reading that holds, or tells that there was no value. */
export interface PriorReading {
  time: number;
  value: number;
  isUncertain: boolean;
}

/**
 * How long a value of a stream with a deadband may hold, milliseconds: half as long again as the time after which the server
 * stores it in any case (the default of `collect.deadband_max_interval`).
 */
export const LONGEST_HOLD = 900_000;

const PRIOR_READINGS = (streams: number[]) => `SELECT stream_id, ts AS t, value, CASE quality WHEN 'uncertain' THEN 1 ELSE 0 END AS uncertain
FROM readings
WHERE stream_id IN (${streams.join(", ")}) AND ts >= $least AND ts < $from
ORDER BY 1, 2`;

/** The last reading of each stream before a time. */
export async function loadPriorReadings(streams: number[], from: number, signal: AbortSignal): Promise<Map<number, PriorReading>> {
  const params = { least: new Date(from - LONGEST_HOLD).toISOString(), from: new Date(from).toISOString() };
  const table = await sql(PRIOR_READINGS(streams), params, signal);
  const [ids, times, values] = [numbers(table, "stream_id"), numbers(table, "t"), numbers(table, "value")];
  const uncertain = numbers(table, "uncertain");
  const found = new Map<number, PriorReading>();
  // In the order of time, so the last one stays.
  ids.forEach((id, row) => {
    found.set(id, { time: times[row] as number, value: values[row] as number, isUncertain: uncertain[row] === 1 });
  });
  return found;
}

/** Puts the reading before the marks, unless they know one that is as old. */
export function withPriorReading(marks: Marks, prior: PriorReading | undefined): Marks {
  if (!prior || (marks.start[0] ?? Infinity) <= prior.time) return marks;
  const isBad = Number.isNaN(prior.value);
  marks.start.unshift(prior.time);
  marks.end.unshift(prior.time);
  marks.lo.unshift(prior.value);
  marks.hi.unshift(prior.value);
  marks.mean.unshift(prior.value);
  marks.n.unshift(isBad ? 0 : 1);
  marks.bad.unshift(isBad ? 1 : 0);
  marks.uncertain.unshift(prior.isUncertain ? 1 : 0);
  return marks;
}
