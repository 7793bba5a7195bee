SELECT * FROM messages WHERE device_id = 1 AND ts > '2026-04-27' ORDER BY ts
