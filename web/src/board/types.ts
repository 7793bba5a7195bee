// What the boards know of the server's answers.

import type { Level, Named, Quality } from "../api/types.ts";
import type { Bucket } from "./paint.ts";
import type { Widget } from "./widgets.ts";

export interface Board {
  rowId: number;
  uuid: string;
  name: string;
  description: string | null;
  isDefault: boolean;
  documentVersion: number;
  updatedAt: string;
  createdBy: string | null;
  layout: Widget[];
}

export interface BoardStream extends Named {
  uuid: string;
  unit: string;
  type: string;
  path: string;
  accessMode: "r" | "rw";
  deadband: number | null;
  pollInterval: number | null;
  device: (Named & { pollInterval: number | null }) | null;
}

export interface Value {
  streamRowId: number;
  ts: string;
  value: number | null;
  text: string | null;
  quality: Quality;
}

export interface BoardEvent {
  rowId: number;
  ts: string;
  level: Level;
  kind: string;
  message: string;
  acknowledged: boolean;
  device: Named | null;
}

/** What the streams of a board did over its range, in buckets. */
export interface Sparks {
  from: number;
  to: number;
  step: number;
  of: Map<number, Bucket[]>;
}

/** What all widgets of a board share. */
export interface Shared {
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
