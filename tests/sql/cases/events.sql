SELECT id, device_id, stream_id, kind, level, ts, message, url, payload, source, acknowledged, status FROM events WHERE ts >= '2026-04-27' ORDER BY ts DESC
