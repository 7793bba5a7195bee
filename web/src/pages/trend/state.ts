// The address of a trend: everything that is seen is in it.

import { parseShift, type RangeText } from "../../chart/range.ts";

/** A stream of the trend, and how it is drawn if that is not left to its nature. */
export interface ChosenStream {
  id: number;
  drawn: "auto" | "step" | "line";
}

export interface TrendState {
  streams: ChosenStream[];
  range: RangeText;
  /** Bounds of y; undefined fits what is in view. */
  bounds: [number, number] | undefined;
  hasEvents: boolean;
  isTable: boolean;
  /** How far before the range is compared with it, such as `-7d`; empty for no comparison. */
  compare: string;
}

/** More streams than this cannot be told apart. */
export const MOST_STREAMS = 16;
export const DEFAULT_RANGE: RangeText = { from: "now-1h", to: "now" };

/** Version of the form of addresses, so that old links can be read when it changes. */
const VERSION = "1";

export function parseStreams(text: string): ChosenStream[] {
  const found = new Map<number, ChosenStream>();
  for (const part of text.split(",")) {
    const [id, drawn] = part.split(":");
    const number = Number(id);
    if (!Number.isSafeInteger(number) || number <= 0 || found.size >= MOST_STREAMS) continue;
    found.set(number, { id: number, drawn: drawn === "step" || drawn === "line" ? drawn : "auto" });
  }
  return [...found.values()];
}

export function streamsText(streams: ChosenStream[]): string {
  return streams.map(({ id, drawn }) => (drawn === "auto" ? String(id) : `${id}:${drawn}`)).join(",");
}

function parseBounds(text: string): [number, number] | undefined {
  const match = /^(-?[\d.]+(?:e[-+]?\d+)?)\.\.(-?[\d.]+(?:e[-+]?\d+)?)$/.exec(text);
  const [lo, hi] = [Number(match?.[1]), Number(match?.[2])];
  return match && lo < hi ? [lo, hi] : undefined;
}

export function parseState(query: URLSearchParams): TrendState {
  return {
    streams: parseStreams(query.get("s") ?? ""),
    range: { from: query.get("from") ?? DEFAULT_RANGE.from, to: query.get("to") ?? DEFAULT_RANGE.to },
    bounds: parseBounds(query.get("y") ?? ""),
    hasEvents: query.get("ev") !== "0",
    isTable: query.get("table") === "1",
    compare: parseShift(query.get("cmp") ?? "", 0, true) === undefined ? "" : (query.get("cmp") ?? ""),
  };
}

/** The query of an address. Commas and colons stay readable. */
export function stateText(state: TrendState): string {
  const query = new URLSearchParams();
  if (state.streams.length > 0) query.set("s", streamsText(state.streams));
  query.set("from", state.range.from);
  query.set("to", state.range.to);
  if (state.compare) query.set("cmp", state.compare);
  if (state.bounds) query.set("y", state.bounds.join(".."));
  if (!state.hasEvents) query.set("ev", "0");
  if (state.isTable) query.set("table", "1");
  query.set("v", VERSION);
  return query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
}

