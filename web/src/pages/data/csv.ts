// CSV: which columns a file has, and what its cells say.

export type Delimiter = "," | ";" | "\t";

/** Cells of a line. A quote within quotes is doubled. */
export function cells(line: string, delimiter: Delimiter): string[] {
  if (!line.includes('"')) return line.split(delimiter).map((cell) => cell.trim());
  const found: string[] = [];
  let cell = "";
  let isQuoted = false;
  for (let i = 0; i < line.length; i += 1) {
    const char = line[i] as string;
    if (isQuoted && char === '"' && line[i + 1] === '"') {
      cell += char;
      i += 1;
    } else if (char === '"') isQuoted = !isQuoted;
    else if (char === delimiter && !isQuoted) {
      found.push(cell.trim());
      cell = "";
    } else cell += char;
  }
  return [...found, cell.trim()];
}

export interface Shape {
  delimiter: Delimiter;
  columns: string[];
  /** Bytes of the first line, with its end. */
  headBytes: number;
  /** The first lines below the head. */
  samples: string[][];
}

/** Columns and first lines of a file, from the text with which it begins; undefined if that is no table. */
export function shapeOf(text: string): Shape | undefined {
  const end = text.indexOf("\n");
  if (end < 0) return undefined;
  const head = text.slice(0, end).replace(/^\uFEFF/, "");
  const count = (delimiter: Delimiter) => cells(head.trimEnd(), delimiter).length;
  const delimiter = ([";", "\t", ","] as const).reduce((best, one) => (count(one) > count(best) ? one : best));
  if (count(delimiter) < 2) return undefined;
  const samples = text
    .slice(end + 1)
    .split("\n")
    .slice(0, 3)
    .filter((line) => line.trim() !== "")
    .map((line) => cells(line.trimEnd(), delimiter));
  return { delimiter, columns: cells(head.trimEnd(), delimiter), headBytes: new TextEncoder().encode(text.slice(0, end + 1)).length, samples };
}

/** Whether a day is one of the calendar and of the years that the server has. `Date.parse` takes 31 April for 1 May. */
function isDay(day: string): boolean {
  const time = Date.parse(`${day}T00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day) && day >= "1970" && day < "2262";
}

/**
 * A time as the server reads it: ISO-8601, seconds since 1970, or a German date; undefined for anything else. Without a
 * zone it is UTC, or that of the reader.
 */
export function timeOf(text: string, isLocal: boolean): string | number | undefined {
  if (/^\d{9,10}(\.\d+)?$/.test(text)) return Number(text);
  const german = /^(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ T](\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?))?$/.exec(text);
  const pad = (part: string | undefined) => (part ?? "").padStart(2, "0");
  const clock = (german?.[4] ?? "00:00").replace(",", ".");
  const iso = german ? `${german[3]}-${pad(german[2])}-${pad(german[1])}T${clock[1] === ":" ? "0" : ""}${clock}` : text.replace(" ", "T");
  const found = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?(Z|[+-]\d\d:?\d\d)?$/.exec(iso);
  const whole = iso.length === 10 ? `${iso}T00:00` : iso;
  if (!found || !isDay(found[1] as string) || whole.includes("T24") || Number.isNaN(Date.parse(whole))) return undefined;
  if (found[2]) return whole;
  return isLocal ? new Date(whole).toISOString() : `${whole}Z`;
}

/** A number with point, or with a comma where that does not part columns; undefined for anything else. */
export function numberOf(text: string, delimiter: Delimiter): number | undefined {
  const plain = delimiter === "," || !text.includes(",") ? text : text.replace(/\./g, "").replace(",", ".");
  const value = Number(plain);
  return plain !== "" && Number.isFinite(value) ? value : undefined;
}

/** A number of a cell as JSON: a whole number keeps all its digits, also those that a double has no room for. */
export function numberText(text: string, delimiter: Delimiter): string | undefined {
  if (/^-?\d+$/.test(text)) return String(BigInt(text));
  const value = numberOf(text, delimiter);
  return value === undefined ? undefined : String(value);
}

/** Whether every quote of a line is closed: a cell with a line break is none that is read here. */
export function isWhole(line: string): boolean {
  return line.split('"').length % 2 === 1;
}

/** Number of bytes of a piece up to the end of its last whole line; -1 if it has none. */
export function lastLine(bytes: Uint8Array): number {
  return bytes.lastIndexOf(10) + 1 || -1;
}
