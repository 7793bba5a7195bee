// Contents of the server's answers, as far as the boards know them.

import type { Data } from "../api/graph.ts";
import type { Bucket } from "./paint.ts";
import type { Widget } from "./widgets.ts";

export type Board = Omit<NonNullable<Data<"OneBoard">["dashboard"]>, "layout"> & { layout: Widget[] };

export type BoardStream = Data<"BoardStreams">["streams"]["nodes"][number];

export type Value = Data<"BoardValues">["latestValues"][number];

export type BoardEvent = Data<"BoardEvents">["events"]["nodes"][number];

/** Course of the streams of a board over its range, in buckets. */
export interface Sparks {
  from: number;
  to: number;
  step: number;
  of: Map<number, Bucket[]>;
}

/** Data that all widgets of a board share. */
export interface BoardData {
  streams: Map<string, BoardStream>;
  values: Map<number, Value>;
  /** Length of the range that charts show, milliseconds. */
  length: number;
  /** Small lines behind values; undefined where none are drawn. */
  sparks?: Sparks | undefined;
}

/** A value as text, with its unit. */
export function valueText(stream: BoardStream, value: Value | undefined, format: (value: number) => string, none: string): string {
  if (!value || value.quality === "bad") return none;
  const text = value.text ?? (value.value === null ? none : format(value.value));
  return stream.unit && value.text === null ? `${text} ${stream.unit}` : text;
}
