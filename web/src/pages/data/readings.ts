// Lines of CSV as readings, in either layout: a column for each stream, or a row for each value.

import { isNumeric } from "../../api/types.ts";
import { cells, type Delimiter, isWhole, numberText, timeOf } from "./csv.ts";
import type { DataStream } from "./types.ts";

/** Whether a file may have values of such a stream: numbers and texts. */
export function isImportable(type: string): boolean {
  return isNumeric(type) || type === "text";
}

/** Streams by row number and by name. */
export interface StreamIndex {
  byNumber: Map<number, DataStream>;
  byName: Map<string, DataStream[]>;
}

export function indexOf(streams: DataStream[]): StreamIndex {
  const byName = new Map<string, DataStream[]>();
  for (const stream of streams) byName.set(stream.name, [...(byName.get(stream.name) ?? []), stream]);
  return { byNumber: new Map(streams.map((stream) => [stream.rowId, stream])), byName };
}

/** The one stream of a name, of a device if one is named; undefined if there is none or more than one. */
export function streamNamed({ byName }: StreamIndex, name: string, device: string): DataStream | undefined {
  const found = (byName.get(name) ?? []).filter((stream) => device === "" || stream.device?.name === device);
  return found.length === 1 ? found[0] : undefined;
}

/** The stream that a cell means: by its name, else by its row number. */
export function streamOf(index: StreamIndex, cell: string, device: string): DataStream | undefined {
  const named = streamNamed(index, cell, device);
  if (named || !/^\d{1,10}$/.test(cell)) return named;
  const numbered = index.byNumber.get(Number(cell));
  return device === "" || numbered?.device?.name === device ? numbered : undefined;
}

interface Common {
  delimiter: Delimiter;
  /** Whether times without a zone are those of this computer. */
  isLocal: boolean;
  /** Index of the column of times. */
  time: number;
}

/** A column for each stream. */
export interface WideMapping extends Common {
  /** Row number of the stream of each column; null for one that is left out. */
  streams: (number | null)[];
}

/** A row for each value: indices of columns, null for one that the file has not. */
export interface LongMapping extends Common {
  /** How many columns a line has. */
  columns: number;
  stream: number;
  device: number | null;
  value: number;
  /** Column of texts, if they are not in the column of values. */
  text: number | null;
  quality: number | null;
}

export type Mapping = WideMapping | LongMapping;

export interface ReadLines {
  /** Lines of NDJSON. */
  readings: string[];
  wrong: string[];
}

/** Reads lines. A cell that is empty is no reading; a line with a wrong cell is left out as a whole. */
export function readLines(lines: string[], mapping: Mapping, index: StreamIndex): ReadLines {
  const result: ReadLines = { readings: [], wrong: [] };
  for (const raw of lines) {
    const line = raw.trimEnd();
    if (line === "") continue;
    const found = isWhole(line) ? readingsOf(cells(line, mapping.delimiter), mapping, index) : undefined;
    if (found) result.readings.push(...found);
    else result.wrong.push(line);
  }
  return result;
}

function readingsOf(values: string[], mapping: Mapping, index: StreamIndex): string[] | undefined {
  const ts = timeOf(values[mapping.time] ?? "", mapping.isLocal);
  if (ts === undefined) return undefined;
  return "streams" in mapping ? wideReadings(values, ts, mapping, index) : longReading(values, ts, mapping, index);
}

type Time = string | number;

function wideReadings(values: string[], ts: Time, { delimiter, time, streams }: WideMapping, index: StreamIndex): string[] | undefined {
  if (values.length !== streams.length) return undefined;
  const found: string[] = [];
  for (const [column, id] of streams.entries()) {
    const cell = values[column] ?? "";
    const stream = id === null || column === time ? undefined : index.byNumber.get(id);
    if (!stream || cell === "") continue;
    const value = valueMember(stream, cell, delimiter);
    if (value === undefined) return undefined;
    found.push(reading(stream, ts, [value]));
  }
  return found;
}

function longReading(values: string[], ts: Time, mapping: LongMapping, index: StreamIndex): string[] | undefined {
  if (values.length !== mapping.columns) return undefined;
  const cell = (column: number | null) => (column === null ? "" : (values[column] ?? ""));
  const stream = streamOf(index, cell(mapping.stream), cell(mapping.device));
  const quality = cell(mapping.quality).toLowerCase();
  if (!stream || !isImportable(stream.type) || !["", "good", "uncertain", "bad"].includes(quality)) return undefined;
  const text = isNumeric(stream.type) || mapping.text === null ? cell(mapping.value) : cell(mapping.text);
  const grade = quality === "" || quality === "good" ? [] : [`"quality":"${quality}"`];
  // What a device could not deliver is a reading without a value.
  if (text === "") return quality === "bad" ? [reading(stream, ts, grade)] : [];
  const value = valueMember(stream, text, mapping.delimiter);
  return value === undefined ? undefined : [reading(stream, ts, [value, ...grade])];
}

/** The value of a cell as a member of the JSON of a reading; undefined if it is none of the stream. */
function valueMember({ type }: DataStream, cell: string, delimiter: Delimiter): string | undefined {
  if (type === "text") return `"text":${JSON.stringify(cell)}`;
  const number = numberText(cell, delimiter);
  return number === undefined ? undefined : `"value":${number}`;
}

function reading({ rowId }: DataStream, ts: Time, members: string[]): string {
  return `{${[`"stream_id":${rowId}`, `"ts":${JSON.stringify(ts)}`, ...members].join(",")}}`;
}
