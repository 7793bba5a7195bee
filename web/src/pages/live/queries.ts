// Operations and SQL of the live page.

import type { Document } from "../../api/graph.ts";

/** Every stream with its newest reading; streams that never had one too. */
export const STREAMS = `SELECT s.id, s.name, s.unit, s.type, s.access_mode, d.id AS device_id, d.name AS device, d.protocol,
       coalesce(s.poll_interval, d.poll_interval) AS interval_s, s.deadband, l.ts, l.value, l.text, l.quality
FROM streams s
JOIN devices d ON d.id = s.device_id
LEFT JOIN latest l ON l.stream_id = s.id
ORDER BY d.name, d.id, s.name`;

export const VALUES = `subscription LiveValues($streams: [ID!], $after: String) {
  values(streams: $streams, maxRate: 2, after: $after) { readings { streamRowId ts value text quality } cursor }
}` as Document<"LiveValues">;

/** SQL for the last minutes of the rows in view: about as many points as a small line has room for. */
export function sparkSql(streams: number[]): string {
  return `SELECT stream_id, time_bucket('30 seconds', ts) AS t, avg(value) AS value
FROM readings
WHERE stream_id IN (${streams.join(", ")}) AND ts >= $from AND value IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2`;
}

export const TARGET = `query SetTarget($id: Int!) {
  stream(rowId: $id) {
    rowId name unit type path scale offset byteorder metadata latest { ts value text quality } device { rowId name protocol byteorder }
  }
}` as Document<"SetTarget">;

export const WRITE = `mutation WriteStream($input: WriteRegisterInput!) {
  writeRegister(input: $input) { errors { field message } value }
}` as Document<"WriteStream">;
