// What the event pages ask for.

const EVENT = "rowId ts level kind message url source acknowledged payload device { rowId name } stream { rowId name }";

export const EVENTS = `query Events($kinds: [String!], $level: Level, $device: ID, $from: DateTime, $to: DateTime, $first: Int!, $after: String) {
  events(kinds: $kinds, level: $level, device: $device, from: $from, to: $to, first: $first, after: $after) {
    nodes { ${EVENT} }
    pageInfo { hasNextPage endCursor }
  }
}`;

export const EVENT_BY_ID = `query OneEvent($id: Int!) { event(rowId: $id) { ${EVENT} } }`;

export const ACKNOWLEDGE = `mutation AcknowledgeEvent($id: ID!) {
  updateEvent(id: $id, input: { acknowledged: true }) { event { rowId } errors { field message } }
}`;

export const CHANGES = `subscription EventChanges { events { change rowId event { ${EVENT} } } }`;

/** Kinds that there are, to choose from. */
export const KINDS = "SELECT kind, count(*) AS n FROM events GROUP BY kind ORDER BY n DESC LIMIT 50";
