// Operations and SQL of the trend, beside those for readings.

import type { Document } from "../../api/graph.ts";

const STREAM = "rowId name unit type path enabled accessMode deadband pollInterval device { rowId name pollInterval }";

export const PICK = `query PickStreams($text: String!) {
  streams(search: $text, first: 200, orderBy: NAME) { nodes { ${STREAM} } totalCount pageInfo { hasNextPage endCursor } }
}` as Document<"PickStreams">;

/** The streams of an address, each under an alias: a stream that is not there is null. */
export function streamsQuery(ids: number[]): string {
  const fields = ids.map((id) => `s${id}: stream(rowId: ${id}) { ${STREAM} }`);
  return `query TrendStreams { ${fields.join("\n")} }`;
}

export const EVENTS = `query TrendEvents($from: DateTime!, $to: DateTime!, $first: Int!) {
  events(from: $from, to: $to, first: $first) {
    nodes { rowId ts level kind message url source acknowledged payload device { rowId name } stream { rowId name } }
    pageInfo { hasNextPage endCursor }
  }
}` as Document<"TrendEvents">;

export const WRITTEN = `subscription TrendWritten($streams: [ID!]) {
  values(streams: $streams, maxRate: 4) { readings { streamRowId ts } cursor }
}` as Document<"TrendWritten">;

/** Exact numbers of the visible range; `rms` is a function of the server. */
export function statisticsSql(streams: number[]): string {
  return `SELECT stream_id, min(value) AS lo, max(value) AS hi, avg(value) AS mean, rms(value) AS rms,
       count(value) AS n, count(*) - count(value) AS bad
FROM readings
WHERE stream_id IN (${streams.join(", ")}) AND ts >= $from AND ts < $to
GROUP BY stream_id`;
}
