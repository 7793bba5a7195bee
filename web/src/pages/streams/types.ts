// Streams as their page knows them.

import type { Reading, Stream } from "../../api/types.ts";

export interface StreamFull extends Stream {
  label: string;
  scale: number;
  offset: number;
  byteorder: string | null;
  statisticsInterval: number | null;
  channel: number;
  createdAt: string;
  updatedAt: string;
  metadata: Record<string, unknown>;
  group: { name: string } | null;
  latest: Reading | null;
}

export type RetentionTable = "readings" | "statistics";

/** Numbers of 64 bits come as text when they are beyond what JSON's readers know. */
export interface Policy {
  table: RetentionTable;
  dropAfter: number | string | null;
}

export interface Forecast {
  before: string | null;
  bytes: number | string;
  files: number | string;
  rows: number | string;
}
