// Operations and SQL of the event pages.

import type { Document } from "../../api/graph.ts";

const EVENT = `rowId ts level kind message url source acknowledged acknowledgedBy acknowledgedAt note payload
  alert { resolvedAt resolvedBy } device { rowId name } stream { rowId name }`;

export const EVENTS = `query Events(
  $kinds: [String!], $level: Level, $device: ID, $from: DateTime, $to: DateTime, $acknowledged: Boolean, $search: String, $first: Int!, $after: String
) {
  events(kinds: $kinds, level: $level, device: $device, from: $from, to: $to, acknowledged: $acknowledged, search: $search, first: $first, after: $after) {
    nodes { ${EVENT} }
    pageInfo { hasNextPage endCursor }
  }
}` as Document<"Events">;

export const EVENT_BY_ID = `query OneEvent($id: Int!) { event(rowId: $id) { ${EVENT} } }` as Document<"OneEvent">;

export const ACKNOWLEDGE = `mutation AcknowledgeEvents($ids: [ID!]!, $note: String) {
  acknowledgeEvents(ids: $ids, note: $note) { rowIds errors { field message } }
}` as Document<"AcknowledgeEvents">;

export const ADD_NOTE = `mutation AddNote($message: String!, $timestamp: DateTime!) {
  createEvent(input: { kind: "note", level: info, message: $message, timestamp: $timestamp }) { event { rowId } errors { field message } }
}` as Document<"AddNote">;

/** How many events there were, by time and level. */
export const DENSITY = `SELECT time_bucket($step, ts) AS t, level, count(*) AS n FROM events
  WHERE ts >= $from AND ts < $to GROUP BY 1, 2 ORDER BY 1`;

export const CHANGES = `subscription EventChanges { events(reportStart: true) { change rowId event { ${EVENT} } } }` as Document<"EventChanges">;

/** Kinds that there are, to choose from. */
export const KINDS = "SELECT kind, count(*) AS n FROM events GROUP BY kind ORDER BY n DESC LIMIT 50";
