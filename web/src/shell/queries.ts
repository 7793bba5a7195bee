// What the shell asks for.

export const FIND = `query Find($text: String!) {
  devices(search: $text, first: 10, orderBy: NAME) { nodes { rowId name } }
  streams(search: $text, first: 20, orderBy: NAME) { nodes { rowId name unit type device { rowId name } } }
}`;
