// Operations and SQL of the overview, each by what the caller may read.

import type { Document } from "../../api/graph.ts";

export const DEVICES = `query OverviewDevices {
  devices(first: 1000, orderBy: NAME) {
    totalCount
    nodes { rowId name protocol status { state lastError lastSeen latencyP50Ms } }
  }
}` as Document<"OverviewDevices">;

export const STATES = `subscription OverviewStates {
  deviceStates { device { rowId } state lastError lastSeen }
}` as Document<"OverviewStates">;

export const MODELS = `query OverviewModels {
  models(first: 1000) {
    totalCount
    nodes { rowId enabled device { rowId name } scores { rowId name } status { state lastError isAnomalous } }
  }
}` as Document<"OverviewModels">;

export const HEALTH = `query OverviewHealth { health { ok checks { name ok error } } }` as Document<"OverviewHealth">;

export const ACKNOWLEDGE = `mutation Acknowledge($id: ID!) {
  updateEvent(id: $id, input: { acknowledged: true }) { event { rowId acknowledged } errors { field message } }
}` as Document<"Acknowledge">;

export const EVENT_CHANGES = `subscription OverviewEvents { events(reportStart: true) { change rowId } }` as Document<"OverviewEvents">;

/** Open events of level warning and above; an alert that has been resolved is closed, whoever has seen it. */
export const OPEN_EVENTS = `SELECT e.id, e.ts, e.level, e.kind, e.message, e.device_id, e.stream_id
FROM events e
WHERE NOT e.acknowledged AND e.level IN ('warning', 'error', 'critical') AND coalesce(e.status, 'ACTIVE') <> 'RESOLVED'
ORDER BY CASE e.level WHEN 'critical' THEN 0 WHEN 'error' THEN 1 ELSE 2 END, e.ts DESC
LIMIT 20`;

/** How many there are of each level, the listed ones included. */
export const OPEN_COUNTS = `SELECT e.level, count(*) AS n FROM events e
WHERE NOT e.acknowledged AND e.level IN ('warning', 'error', 'critical') AND coalesce(e.status, 'ACTIVE') <> 'RESOLVED'
GROUP BY e.level`;

/** Events that began, ended or were acknowledged since a time, the newest first. */
export const CHANGED = `SELECT * FROM (
  SELECT id, ts AS at, 'raised' AS change, level, kind, message, NULL AS who FROM events WHERE ts >= $since
  UNION ALL SELECT id, resolved_at, 'resolved', level, kind, message, resolved_by FROM events WHERE resolved_at >= $since
  UNION ALL SELECT id, acknowledged_at, 'acknowledged', level, kind, message, acknowledged_by FROM events WHERE acknowledged_at >= $since
) AS c ORDER BY at DESC LIMIT 7`;

/** Streams that should have readings and have none; those of devices that are offline are told of by the device. */
export const SILENT = `SELECT s.id, s.name, d.id AS device_id, d.name AS device, l.ts
FROM streams s
JOIN devices d ON d.id = s.device_id
LEFT JOIN latest l ON l.stream_id = s.id
WHERE s.enabled AND d.state IN ('online', 'degraded') AND d.protocol NOT IN ('virtual', 'ai')
  AND (l.ts IS NULL OR l.ts < $since)
ORDER BY l.ts NULLS FIRST, s.name
LIMIT 1000`;

export const INGEST = `SELECT time_bucket('1 minute', ts) AS t, count(*) AS n
FROM readings WHERE ts >= $from AND ts < $to GROUP BY 1 ORDER BY 1`;

export const BOARDS = `query OverviewBoards($after: String) {
  dashboards(first: 1000, after: $after) { nodes { uuid isDefault updatedAt } pageInfo { hasNextPage endCursor } }
}` as Document<"OverviewBoards">;

/** Numeric streams with a reading, for an organization without a default board. A source that is lost has no value, and stays. */
export const FIRST_STREAMS = `SELECT s.uuid, s.name, d.name AS device FROM streams s JOIN latest l ON l.stream_id = s.id JOIN devices d ON d.id = s.device_id
WHERE s.enabled AND s.type NOT IN ('text', 'json', 'location') ORDER BY s.id LIMIT 8`;

export const BOARD = "query OverviewBoard($uuid: String!) { dashboard(uuid: $uuid) { uuid name layout { id type x y w h config } } }" as Document<"OverviewBoard">;
