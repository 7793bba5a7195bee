// Preferences of a person, which the server keeps: one JSON object, of which each page has a member of its own.

import { send } from "./http.ts";

const PATH = "/api/session/preferences/";

export type Preferences = Record<string, unknown>;

export async function loadPreferences(signal?: AbortSignal): Promise<Preferences> {
  return (await send(PATH, { signal: signal ?? null })).json();
}

/** Replaces one member. It is computed from what is stored at that moment, so that the rest and what another tab has saved stay. */
export async function changePreference(name: string, changed: (stored: unknown) => unknown): Promise<Preferences> {
  const stored = await loadPreferences();
  const body = JSON.stringify({ ...stored, [name]: changed(stored[name]) });
  return (await send(PATH, { method: "PUT", headers: { "Content-Type": "application/json" }, body })).json();
}
