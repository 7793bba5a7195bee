// Guesses about a file, before somebody says what it is: its column of times, its layout, and what its columns are for.

import { numberOf, type Shape, timeOf } from "./csv.ts";
import { type LongMapping, streamNamed, type StreamIndex } from "./readings.ts";

/** The first column whose values are times. */
export function timeColumn({ samples, columns }: Shape): number {
  const found = columns.findIndex((_, column) => samples.length > 0 && samples.every((row) => timeOf(row[column] ?? "", false) !== undefined));
  return Math.max(0, found);
}

/** The columns of a file with a row for each value. */
export type LongColumns = Pick<LongMapping, "stream" | "device" | "value" | "text" | "quality">;

const NAMES = {
  device: ["device", "gerät"],
  value: ["value", "wert"],
  text: ["text"],
  quality: ["quality", "qualität"],
} as const;

/** The columns if every sample names a stream in one of them, by its name or in a column `stream_id`; undefined for another layout. */
export function longColumns({ columns, samples, delimiter }: Shape, time: number, index: StreamIndex): LongColumns | undefined {
  const called = (kind: keyof typeof NAMES) => {
    const found = columns.findIndex((name) => (NAMES[kind] as readonly string[]).includes(name.toLowerCase()));
    return found < 0 ? null : found;
  };
  const device = called("device");
  const isStream = (column: number) =>
    samples.every((row) => {
      const cell = row[column] ?? "";
      // A measured value may happen to be the row number of a stream.
      if (columns[column]?.toLowerCase() === "stream_id") return index.byNumber.has(Number(cell));
      return streamNamed(index, cell, device === null ? "" : (row[device] ?? "")) !== undefined;
    });
  const others = columns.map((_, column) => column).filter((column) => column !== time && column !== device);
  const stream = samples.length > 0 ? others.find(isStream) : undefined;
  if (stream === undefined) return undefined;
  const isNumber = (column: number) => column !== stream && samples.every((row) => numberOf(row[column] ?? "", delimiter) !== undefined);
  const value = called("value") ?? others.find(isNumber) ?? others.find((column) => column !== stream);
  return value === undefined ? undefined : { stream, device, value, text: called("text"), quality: called("quality") };
}

/** Whether a column is meant for two things. */
export function isUsedTwice({ stream, device, value, text, quality }: LongColumns, time: number): boolean {
  const used = [time, stream, device, value, text, quality].filter((column) => column !== null);
  return new Set(used).size < used.length;
}
