// Kinds of widgets, and their configuration. A kind of ours is a type of the platform's contract, and where that has fewer, a view in the configuration.

import type { Place } from "./layout.ts";

export interface Config {
  title?: string;
  /** UUIDs of streams. */
  sensorIds?: string[];
  view?: string;
  query?: string;
  text?: string;
  least?: number;
  most?: number;
  /** Value that a button writes. */
  value?: number;
}

export interface Widget extends Place {
  type: string;
  config: Config;
}

export type Kind = "value" | "gauge" | "line" | "states" | "table" | "events" | "text" | "write";

interface WidgetKind {
  type: string;
  view?: string;
  /** Size of a new one, columns and rows. */
  size: [number, number];
  /** How many streams it shows. */
  streams: "none" | "one" | "many";
}

export const KINDS: Record<Kind, WidgetKind> = {
  value: { type: "STAT", size: [6, 3], streams: "one" },
  gauge: { type: "GAUGE", size: [6, 5], streams: "one" },
  line: { type: "LINE", size: [12, 6], streams: "many" },
  states: { type: "LINE", view: "states", size: [12, 3], streams: "one" },
  table: { type: "TABLE", view: "sql", size: [12, 6], streams: "none" },
  events: { type: "TABLE", view: "events", size: [12, 6], streams: "none" },
  text: { type: "TEXT", size: [6, 3], streams: "none" },
  write: { type: "STAT", view: "write", size: [6, 3], streams: "one" },
};

/** Kind of a widget of a board; undefined for one that we do not draw. */
export function kindOf({ type, config }: Widget): Kind | undefined {
  const fits = (Object.keys(KINDS) as Kind[]).filter((kind) => KINDS[kind].type === type);
  return fits.find((kind) => KINDS[kind].view === config.view) ?? fits.find((kind) => KINDS[kind].view === undefined);
}

/** A new widget that shows nothing yet. Ids need only differ within the board. */
export function newWidget(kind: Kind, widgets: Widget[], place: { x: number; y: number }): Widget {
  const { type, view, size } = KINDS[kind];
  const numbers = widgets.map(({ id }) => Number(/^w(\d+)$/.exec(id)?.[1] ?? 0));
  return { id: `w${Math.max(0, ...numbers) + 1}`, type, ...place, w: size[0], h: size[1], config: view ? { view } : {} };
}

/** UUIDs of the streams that a board shows, each once. */
export function streamsOf(widgets: Widget[]): string[] {
  return [...new Set(widgets.flatMap(({ config }) => config.sensorIds ?? []))];
}
