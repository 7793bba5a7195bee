// Scopes as a matrix: what, and whether it is read or also written. A write scope includes the read scope.

export type Grant = "" | "read" | "write";

/** What a key may be given, in the order of the matrix. */
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
