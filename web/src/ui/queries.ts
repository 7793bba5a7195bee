// What parts ask for themselves.

export const PICK_STREAMS = `query FindStreams($text: String!) {
  streams(search: $text, first: 20, orderBy: NAME) { nodes { rowId name unit type device { rowId name } } totalCount }
}`;
