// Operations of parts that ask for themselves.

import type { Document } from "../api/graph.ts";

export const PICK_STREAMS = `query FindStreams($text: String!) {
  streams(search: $text, first: 20, orderBy: NAME) { nodes { rowId name unit type device { rowId name } } totalCount }
}` as Document<"FindStreams">;
