// User of the application: nobody yet, a person with a session, or whoever has given a key.

import { signal } from "@preact/signals";
import { forgetSession, isKnown, saveKey, savedKey } from "../api/access.ts";
import { graph } from "../api/graph.ts";
import { ApiError, send } from "../api/http.ts";
import { closeConnection } from "../api/live.ts";
import type { Me } from "../api/types.ts";
import { ME } from "./queries.ts";
import { panel, setPanel, takeKey } from "./panel.ts";

/** Undefined while it is asked for, null for nobody. */
export const me = signal<Me | null | undefined>(undefined);
/** Why it is not known who uses the application. */
export const sessionError = signal<ApiError | undefined>(undefined);

/** Why the one-time link in the address did not log in. */
export const linkError = signal<ApiError | undefined>(undefined);

const SESSION = "/api/session/";
const LINK = "#login=";
/** Key under which the SQL page keeps, for this tab, what was asked. */
export const STATEMENTS = "basalt.statements";

function forget(): void {
  closeConnection();
  sessionStorage.removeItem(STATEMENTS);
  saveKey("");
  if (panel.value === "open") setPanel("ended");
  me.value = null;
}

/** Asks who it is; a session or key that has ended is forgotten. */
export async function loadMe(): Promise<void> {
  sessionError.value = undefined;
  followKioskLink();
  await followLink();
  if (!isKnown()) {
    me.value = null;
    return;
  }
  try {
    me.value = (await graph(ME)).me;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.isUnauthenticated || error.status === 403) {
      if (!savedKey()) forgetSession();
      forget();
    } else sessionError.value = error;
  }
}

/** Asks with the key of a kiosk link from now on, if the address is one. */
function followKioskLink(): void {
  const key = takeKey();
  if (key === undefined) return;
  closeConnection();
  saveKey(key);
  me.value = undefined;
}

/** Takes the token of a one-time link out of the address: neither history nor bookmarks keep it, and no server is sent it there. */
function takeToken(): string | undefined {
  if (!location.hash.startsWith(LINK)) return undefined;
  const token = location.hash.slice(LINK.length);
  history.replaceState(history.state, "", location.pathname + location.search);
  return token;
}

/** Logs in with the one-time link in the address, if there is one. */
async function followLink(): Promise<void> {
  const token = takeToken();
  if (token === undefined) return;
  linkError.value = undefined;
  try {
    const body = JSON.stringify({ token });
    await send(`${SESSION}link/`, { method: "POST", headers: { "Content-Type": "application/json" }, body }, {});
    saveKey("");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    linkError.value = error;
  }
}

export async function logIn(username: string, password: string): Promise<void> {
  const body = JSON.stringify({ username, password });
  // What is left of an earlier session is no part of a new one.
  await send(SESSION, { method: "POST", headers: { "Content-Type": "application/json" }, body }, {});
  saveKey("");
  await loadMe();
}

/** Uses a key. Fails if the server refuses it. */
export async function useKey(key: string): Promise<void> {
  saveKey(key);
  try {
    me.value = (await graph(ME)).me;
  } catch (error) {
    saveKey("");
    throw error;
  }
}

/** Ends the session, or forgets the key. Nothing of what was shown stays: every page is drawn for a caller. */
export async function leave(): Promise<void> {
  if (!savedKey()) {
    await send(SESSION, { method: "DELETE" }).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.isUnauthenticated)) throw error;
    });
    forgetSession();
  }
  forget();
}

/** Whether the caller may do what needs this scope; a write scope includes the read scope. */
export function may(scope: string): boolean {
  const scopes = me.value?.scopes ?? [];
  const [noun] = scope.split(":");
  return scopes.includes(scope) || scopes.includes(`${noun}:write`);
}
