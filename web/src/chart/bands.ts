// Events on a chart: hatched bands from their begin to their end.

import type { Event, Level } from "../api/types.ts";
import type { Range } from "./levels.ts";

export interface Band extends Range {
  event: Event;
}

/** Least width of a band, CSS pixels. */
export const LEAST_BAND = 3;

function timeOf(value: unknown): number | undefined {
  if (typeof value === "number") return value * 1000;
  const time = typeof value === "string" ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** When an event was: anomalies say their begin and end in their data; one without an end goes on. Others are a point. */
export function bandOf(event: Event, now: number): Band {
  const at = Date.parse(event.ts);
  const from = timeOf(event.payload["started_at"]) ?? at;
  const isOpen = "ended_at" in event.payload && event.payload["ended_at"] === null;
  const to = isOpen ? now : (timeOf(event.payload["ended_at"]) ?? from);
  return { event, from, to: Math.max(from, to) };
}

/** Colours of the levels, light and dark. */
const COLOURS: Record<Level, [string, string]> = {
  info: ["#0b62c4", "#6cb0ff"],
  warning: ["#8a5a00", "#ffc35a"],
  error: ["#b3261e", "#ff8a80"],
  critical: ["#b3261e", "#ff8a80"],
};

export function levelColour(level: Level, isDark: boolean): string {
  return COLOURS[level][isDark ? 1 : 0];
}

/** Hatches a part of a canvas, in device pixels. */
export function hatch(context: CanvasRenderingContext2D, left: number, top: number, width: number, height: number, colour: string): void {
  const apart = 6 * devicePixelRatio;
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.globalAlpha = 0.14;
  context.fillStyle = colour;
  context.fillRect(left, top, width, height);
  context.globalAlpha = 0.5;
  context.strokeStyle = colour;
  context.lineWidth = devicePixelRatio;
  context.beginPath();
  // Lines lie on a grid of the canvas, so that they do not swim when a band begins elsewhere.
  for (let x = Math.floor((left - height) / apart) * apart; x < left + width; x += apart) {
    context.moveTo(x, top + height);
    context.lineTo(x + height, top);
  }
  context.stroke();
  context.restore();
}
