// Rights of the key of a kiosk link: to read what one board shows.

import type { BoardStream } from "../../board/types.ts";
import { kindOf, streamsOf, type Widget } from "../../board/widgets.ts";

/** Values are shown with their streams and devices, and who reads devices reads boards. */
const ALWAYS = ["value:read", "data:read", "device:read"];

/** Days until a link ends, unless another end is chosen. */
export const DAYS = 90;
/** Longest name of a key. */
const MOST_LETTERS = 100;

/** Whether a board has a table, whose statement may read other streams than those that its widgets name. */
export function hasTable(widgets: Widget[]): boolean {
  return widgets.some((widget) => kindOf(widget) === "table");
}

/** The scopes of the key; none of them writes. Events are read only where widgets show them. */
export function scopesOf(widgets: Widget[]): string[] {
  const showsEvents = hasTable(widgets) || widgets.some((widget) => kindOf(widget) === "events");
  return showsEvents ? [...ALWAYS, "event-log:read"] : ALWAYS;
}

/** Ids of the streams that the key may see: those of the widgets, and `others` for tables; each once, as GraphQL takes them. */
export function allowedStreams(widgets: Widget[], known: ReadonlyMap<string, Pick<BoardStream, "rowId">>, others: number[] = []): string[] {
  const own = streamsOf(widgets).flatMap((uuid) => known.get(uuid)?.rowId ?? []);
  return [...new Set([...own, ...others])].map(String);
}

/** A name for the key, cut to what is allowed. */
export function keyName(prefix: string, board: string): string {
  return [...`${prefix}: ${board}`].slice(0, MOST_LETTERS).join("");
}

/** The day that is `DAYS` from now, as an input of type `date` has it. */
export function defaultEnd(now: Date): string {
  const end = new Date(now.getFullYear(), now.getMonth(), now.getDate() + DAYS);
  const two = (part: number) => String(part).padStart(2, "0");
  return `${end.getFullYear()}-${two(end.getMonth() + 1)}-${two(end.getDate())}`;
}

/** The end of a day of an input of type `date`, in the reader's zone; undefined if it is no day. */
export function endOf(day: string): string | undefined {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day)?.slice(1).map(Number);
  if (!parts) return undefined;
  const [year, month, date] = parts as [number, number, number];
  return new Date(year, month - 1, date + 1).toISOString();
}
