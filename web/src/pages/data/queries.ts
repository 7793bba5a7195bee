// Operations and SQL of the pages of import and export.

import type { Document } from "../../api/graph.ts";

export const STREAMS = `query DataStreams($after: String) {
  streams(first: 1000, after: $after, orderBy: NAME) {
    nodes { rowId name type device { rowId name } }
    pageInfo { hasNextPage endCursor }
  }
}` as Document<"DataStreams">;

/** All readings of streams in a range; ids are whole numbers. */
export function readingsOf(streams: number[]): string {
  return `SELECT r.ts, s.name AS stream, r.stream_id, r.value, r.text, r.quality
    FROM readings r JOIN streams s ON s.id = r.stream_id
    WHERE r.stream_id IN (${streams.join(", ")}) AND r.ts >= $from AND r.ts < $to ORDER BY r.ts, r.stream_id`;
}
