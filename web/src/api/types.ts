// Contents of the server's answers, as far as the pages ask for them.

import type { DeviceState, Level, Quality } from "../../generated/operations.ts";
import type { Data } from "./graph.ts";

export type { DeviceState, Level, Quality };

export interface Named {
  rowId: number;
  name: string;
}

export interface Reading {
  ts: string;
  value: number | null;
  text: string | null;
  quality: Quality;
}

/** A page of a list. */
export interface Page<T> {
  nodes: T[];
  totalCount: number;
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

export interface Stream extends Named {
  unit: string;
  type: string;
  path: string;
  enabled: boolean;
  accessMode: "r" | "rw";
  deadband: number | null;
  pollInterval: number | null;
  device: (Named & { pollInterval: number | null }) | null;
}

export interface Event {
  rowId: number;
  ts: string;
  level: Level;
  kind: string;
  message: string;
  url: string;
  source: string;
  acknowledged: boolean;
  payload: Record<string, unknown>;
  device: Named | null;
  stream: Named | null;
}

export type Me = Data<"Me">["me"];

/** Streams whose readings are numbers. */
export function isNumeric(type: string): boolean {
  return !["text", "json", "location"].includes(type);
}

/** Streams that hold a state: drawn as steps, never as ramps. */
export function isState(type: string): boolean {
  return type === "bit" || type === "enum";
}
