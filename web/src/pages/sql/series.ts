// Which columns of an answer make a chart: a time, numbers over it, and perhaps whose they are.

import { BASE } from "../../api/root.ts";

export type Cell = string | number | boolean | null | object;
export type Row = Record<string, Cell>;

export interface Line {
  label: string;
  values: (number | null)[];
}

export interface Series {
  /** Seconds since 1970, ascending and each once. */
  times: number[];
  lines: Line[];
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?$/;
/** More lines than this tell nothing. */
const MAX_LINES = 12;

const isTime = (value: Cell | undefined) => typeof value === "string" && TIME.test(value);
const isNumber = (value: Cell | undefined) => typeof value === "number";
/** Without a zone it is UTC. */
const seconds = (text: Cell | undefined) => Date.parse(String(text).endsWith("Z") ? String(text) : `${text}Z`) / 1000;

/** Whether all values of a column that are there are of a kind, and one is there. */
function holds(rows: Row[], column: string, isKind: (value: Cell | undefined) => boolean): boolean {
  const values = rows.map((row) => row[column]).filter((value) => value !== null);
  return values.length > 0 && values.every(isKind);
}

/** The column of times; undefined if there is none. */
export function timeColumn(rows: Row[]): string | undefined {
  return Object.keys(rows[0] ?? {}).find((column) => holds(rows, column, isTime));
}

/** Lines that can be drawn of an answer; null for nothing. Where times repeat, a column of few ids or texts tells the lines apart. */
export function seriesOf(rows: Row[]): Series | null {
  if (rows.length < 2) return null;
  const columns = Object.keys(rows[0] as Row);
  const time = timeColumn(rows);
  const numbers = columns.filter((column) => !/(^|_)id$/.test(column) && holds(rows, column, isNumber));
  if (!time || numbers.length === 0) return null;
  const dated = rows.filter((row) => row[time] !== null);
  const times = [...new Set(dated.map((row) => seconds(row[time])))].sort((a, b) => a - b);
  const distinct = (column: string) => new Set(dated.map((row) => row[column])).size;
  const tells = (column: string) => column !== time && !numbers.includes(column) && distinct(column) > 1;
  const whose = times.length === dated.length ? undefined : columns.find(tells);
  if (times.length < 2 || (times.length < dated.length && whose === undefined)) return null;
  return { times, lines: lines(dated, { time, numbers, whose, times }) };
}

interface Columns {
  time: string;
  numbers: string[];
  whose: string | undefined;
  times: number[];
}

function lines(rows: Row[], { time, numbers, whose, times }: Columns): Line[] {
  const place = new Map(times.map((at, index) => [at, index]));
  const found = new Map<string, Line>();
  for (const row of rows) {
    for (const column of numbers) {
      const label = whose === undefined ? column : [row[whose], numbers.length > 1 ? column : ""].join(" ").trim();
      if (!found.has(label)) {
        if (found.size === MAX_LINES) continue;
        found.set(label, { label, values: new Array<number | null>(times.length).fill(null) });
      }
      const index = place.get(seconds(row[time])) as number;
      (found.get(label) as Line).values[index] = row[column] as number | null;
    }
  }
  return [...found.values()];
}

/** Streams that fit a chart of the trend explorer. */
const MAX_STREAMS = 8;

/** The address of the trend explorer with the streams and times of an answer; undefined if it names none. */
export function trendOf(rows: Row[]): string | undefined {
  const time = timeColumn(rows);
  const column = ["stream_id", "data_id"].find((name) => isNumber(rows[0]?.[name]));
  if (!time || !column) return undefined;
  const ids = [...new Set(rows.map((row) => row[column]).filter(isNumber))];
  const times = rows.filter((row) => row[time] !== null).map((row) => seconds(row[time]) * 1000);
  const [from, to] = times.reduce(([least, most], at) => [Math.min(least, at), Math.max(most, at)], [Infinity, -Infinity]);
  if (ids.length === 0 || ids.length > MAX_STREAMS || to <= from) return undefined;
  return `${BASE}/trend?s=${ids.join(",")}&from=${new Date(from).toISOString()}&to=${new Date(to + 1).toISOString()}`;
}
