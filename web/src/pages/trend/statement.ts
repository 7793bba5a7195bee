// Statement that selects what is drawn, for the SQL page and for downloads.

import { type Range, stepText } from "../../chart/levels.ts";
import { bucketSql } from "../../chart/loader.ts";

const READINGS = (streams: number[]) => `SELECT stream_id, ts, value, quality
FROM readings
WHERE stream_id IN (${streams.join(", ")}) AND ts >= $from AND ts < $to
ORDER BY stream_id, ts`;

/** The readings of a range, or its buckets of a step in milliseconds, with all values written out. */
export function statementOf(streams: number[], { from, to }: Range, step: number | undefined): string {
  const literal = (time: number) => `'${new Date(time).toISOString()}'`;
  const text = step === undefined ? READINGS(streams) : bucketSql(streams).replace("$step", `'${stepText(step)}'`);
  return text.replace("$from", literal(from)).replace("$to", literal(to));
}
