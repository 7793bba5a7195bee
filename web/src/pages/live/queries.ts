// What the live page asks for.

/** Every stream with its newest reading; streams that never had one too. */
export const STREAMS = `SELECT s.id, s.name, s.unit, s.type, d.id AS device_id, d.name AS device,
       coalesce(s.poll_interval, d.poll_interval) AS interval_s, s.deadband, l.ts, l.value, l.text, l.quality
FROM streams s
JOIN devices d ON d.id = s.device_id
LEFT JOIN latest l ON l.stream_id = s.id
ORDER BY d.name, d.id, s.name`;

export const VALUES = `subscription LiveValues($streams: [ID!]) {
  values(streams: $streams, maxRate: 2) { readings { streamRowId ts value text quality } cursor }
}`;
