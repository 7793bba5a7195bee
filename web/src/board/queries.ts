// Operations and SQL of the widgets of a board.

import type { Document } from "../api/graph.ts";

export const STREAMS = `query BoardStreams($after: String) {
  streams(first: 1000, after: $after, orderBy: NAME) {
    nodes { rowId uuid name unit type path accessMode deadband pollInterval device { rowId name pollInterval } }
    pageInfo { hasNextPage endCursor }
  }
}` as Document<"BoardStreams">;

const UUID = /^[0-9a-f-]{36}$/i;

/** The streams that a board shows, of any number that there are. What is no UUID is no stream. */
export function shownStreams(uuids: string[]): string {
  const known = uuids.filter((uuid) => UUID.test(uuid)).map((uuid) => `'${uuid}'`);
  return `SELECT s.id AS "rowId", s.uuid, s.name, s.unit, s.type, s.path, s.access_mode AS "accessMode", s.deadband, s.poll_interval AS "pollInterval",
       d.id AS device_id, d.name AS device, d.poll_interval AS device_interval
FROM streams s JOIN devices d ON d.id = s.device_id WHERE s.uuid IN (${["''", ...known].join(", ")})`;
}

export const LATEST = "query BoardValues($streams: [ID!]) { latestValues(streams: $streams) { streamRowId ts value text quality } }" as Document<"BoardValues">;

export const EVENTS = `query BoardEvents {
  events(first: 20) { nodes { rowId ts level kind message acknowledged device { rowId name } } }
}` as Document<"BoardEvents">;

export const WRITE = `mutation BoardWrite($input: WriteRegisterInput!) {
  writeRegister(input: $input) { value errors { field message } }
}` as Document<"BoardWrite">;

/** Buckets of numeric streams; ids are whole numbers. */
export function bucketsOf(streams: number[]): string {
  return `SELECT stream_id, time_bucket($step, ts) AS t, min(value) AS least, max(value) AS most, avg(value) AS mean
    FROM readings WHERE stream_id IN (${streams.join(", ")}) AND ts >= $from AND ts < $to AND value IS NOT NULL
    GROUP BY 1, 2 ORDER BY 1, 2`;
}

/** Readings of a stream that holds a state, and the one before them. */
export const CHANGES = `SELECT ts, value, text FROM readings
  WHERE stream_id = $stream AND ts < $to
    AND ts >= coalesce((SELECT max(ts) FROM readings WHERE stream_id = $stream AND ts <= $from), CAST($from AS TIMESTAMP WITH TIME ZONE))
  ORDER BY ts LIMIT 5000`;
