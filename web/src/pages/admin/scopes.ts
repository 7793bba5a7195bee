// Scopes as a matrix: what, and whether it is read or also written. A write scope includes the read scope.

import type { UserError, Variables } from "../../api/graph.ts";

export type Grant = "" | "read" | "write";

/** Nouns of the scopes that a key may be given, in the order of the matrix. */
export const NOUNS = ["device", "data", "group", "value", "statistic", "event-log", "system", "webrtc-terminal"] as const;

export type Noun = (typeof NOUNS)[number];

/** Whether there is such a scope: terminal grants are issued, never read. */
export function isThere(noun: Noun, grant: Grant): boolean {
  return noun !== "webrtc-terminal" || grant !== "read";
}
export type Grants = Partial<Record<Noun, Grant>>;

/** The scopes of a choice, as a key is created with them. */
export function scopesOf(grants: Grants): string[] {
  return NOUNS.flatMap((noun) => (grants[noun] ? [`${noun}:${grants[noun]}`] : []));
}

/** Row numbers with commas between them; null for an empty text, undefined for anything else. */
export function parseIds(text: string): string[] | null | undefined {
  if (text.trim() === "") return null;
  const ids = text.split(",").map((part) => part.trim());
  return ids.every((id) => /^[1-9]\d*$/.test(id)) ? ids : undefined;
}

/** Days as seconds; null for an empty text, undefined for anything but a number above 0. */
export function parseDays(text: string): number | null | undefined {
  if (text.trim() === "") return null;
  const days = Number(text.replace(",", "."));
  return days > 0 && Number.isFinite(days) ? Math.round(days * 86_400) : undefined;
}

export interface KeyValues {
  name: string;
  grants: Grants;
  /** Local time, as an input of the browser has it; empty for never. */
  expires: string;
  /** Row numbers with commas between them; empty for all. */
  devices: string;
  streams: string;
}

export const NEW_KEY: KeyValues = { name: "", grants: {}, expires: "", devices: "", streams: "" };

/** The input of the server, and what is wrong with the form before it is sent. */
export function keyInput(values: KeyValues, wrongIds: string): { input: Variables<"CreateKey">["input"]; errors: UserError[] } {
  const [allowedDevices, allowedData] = [parseIds(values.devices), parseIds(values.streams)];
  const errors: UserError[] = [];
  if (allowedDevices === undefined) errors.push({ field: "allowedDevices", message: wrongIds });
  if (allowedData === undefined) errors.push({ field: "allowedData", message: wrongIds });
  const expiresAt = values.expires ? new Date(values.expires).toISOString() : null;
  return { input: { name: values.name, scopes: scopesOf(values.grants), allowedDevices, allowedData, expiresAt }, errors };
}
