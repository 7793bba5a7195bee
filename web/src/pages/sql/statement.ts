// The parameters of a statement, and what is given for them.

export interface QueryParameter {
  name: string;
  type: string;
  required: boolean;
  default: unknown;
}

export interface NamedQuery {
  name: string;
  description: string;
  params: QueryParameter[];
  query: string;
}

/** The names of a statement's parameters, in the order in which they appear first. */
export function namesIn(text: string): string[] {
  const code = text.replace(/--.*|'(?:[^']|'')*'/g, "");
  return [...new Set([...code.matchAll(/\$([a-z_]\w*)/gi)].map((match) => match[1] as string))];
}

/** A number, true, false or null as itself, anything else as text; nothing is null. */
export function literal(text: string): unknown {
  if (text === "") return null;
  return /^(-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?|true|false|null)$/.test(text) ? JSON.parse(text) : text;
}

/** A question to the server: by its name when the text is that of a named query, else as it stands. */
export interface Question {
  path: string;
  body: object;
  /** Name of a file with the answer. */
  name: string;
}

export function questionOf(text: string, chosen: NamedQuery | undefined, given: Record<string, string>): Question {
  if (chosen && text === chosen.query) {
    // A named query reads texts itself. What is left empty has its default.
    const params = Object.fromEntries(Object.entries(given).filter(([name, value]) => value !== "" && chosen.params.some((param) => param.name === name)));
    return { path: `/sql/queries/${chosen.name}`, body: { params }, name: chosen.name };
  }
  const params = Object.fromEntries(namesIn(text).map((name) => [name, literal(given[name] ?? "")]));
  return { path: "/sql", body: { query: text, params }, name: "answer" };
}
