// Operations of the shell.

import type { Document } from "../api/graph.ts";

export const FIND = `query Find($text: String!) {
  devices(search: $text, first: 10, orderBy: NAME) { nodes { rowId name } }
  streams(search: $text, first: 20, orderBy: NAME) { nodes { rowId name unit type device { rowId name } } }
}` as Document<"Find">;

export const ME = "query Me { me { kind username organization restricted scopes } }" as Document<"Me">;
