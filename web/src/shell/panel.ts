// A panel: a tab that a kiosk link has opened. It shows one board by a key of its own, and nobody is logged in at it.

import { signal } from "@preact/signals";
import { BASE } from "../api/root.ts";

export type Panel = "none" | "open" | "ended";

/** State of this tab: no panel, one, or one whose key has expired or was revoked. */
export const panel = signal<Panel>("none");
/** Whether a part of the application could not be loaded, because the server was away just then. */
export const isIncomplete = signal(false);

const SAVED = "basalt.panel";
const KEY = "#key=";
const BOARD = /^\/boards\/[0-9a-f-]{36}\/?$/;

/** The parts of an address, as `URL` and `location` have them. */
export type Parts = Pick<URL, "pathname" | "search" | "hash">;

/** The link that opens a board with a key. The key is behind `#`, which browsers send to no server. */
export function linkOf(origin: string, uuid: string, key: string): string {
  return `${origin}${BASE}/boards/${uuid}?kiosk${KEY}${key}`;
}

/** Whether an address shows a board alone on a screen. */
export function isKiosk({ pathname, search }: Omit<Parts, "hash">): boolean {
  return pathname.startsWith(BASE) && BOARD.test(pathname.slice(BASE.length)) && new URLSearchParams(search).has("kiosk");
}

/** The key in an address. Other pages take none from there: a link shall not change who asks unseen. */
export function keyIn(parts: Parts): string | undefined {
  const key = parts.hash.startsWith(KEY) ? parts.hash.slice(KEY.length) : "";
  return isKiosk(parts) && key !== "" ? key : undefined;
}

/** Whether a page comes from the same build as this one, by the address of its script. */
export function isSameBuild(html: string, script: string): boolean {
  return script === "" || html.includes(`"${script}"`);
}

/** Sets what this tab is, also for when it is loaded anew. */
export function setPanel(state: Panel): void {
  if (state === "none") sessionStorage.removeItem(SAVED);
  else sessionStorage.setItem(SAVED, state);
  panel.value = state;
}

/** Takes the key of a kiosk link out of the address, so that neither the screen nor the history shows it. */
export function takeKey(): string | undefined {
  const key = keyIn(location);
  if (key === undefined) {
    const saved = sessionStorage.getItem(SAVED);
    panel.value = saved === "open" || saved === "ended" ? saved : "none";
    return undefined;
  }
  history.replaceState(history.state, "", location.pathname + location.search);
  setPanel("open");
  return key;
}

/** Loads the page anew if the server has another build by now, or if a part is missing: a panel runs for weeks and nobody does it. */
export async function refresh(): Promise<void> {
  const answer = await fetch(location.pathname, { cache: "no-cache" }).catch(() => undefined);
  if (!answer?.ok) return;
  const script = document.querySelector("script[src]")?.getAttribute("src") ?? "";
  if (isIncomplete.value || !isSameBuild(await answer.text(), script)) location.reload();
}
