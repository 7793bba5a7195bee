// The address of the page as a signal. Links are ordinary links; those within /ui are followed without loading the page anew.

import { signal } from "@preact/signals";
import { BASE } from "../api/root.ts";

export interface Address {
  /** Path below `/ui`, such as `/events/7`; `/` for the overview. */
  path: string;
  query: URLSearchParams;
}

function current(): Address {
  const path = location.pathname.slice(BASE.length).replace(/\/+$/, "");
  return { path: path || "/", query: new URLSearchParams(location.search) };
}

export const address = signal<Address>(current());

/** How many entries of the history lead back within the application. */
function depth(): number {
  const state = history.state as { depth?: number } | null;
  return state?.depth ?? 0;
}

/** Goes back, but never out of the application. */
export function goBack(): void {
  if (depth() > 0) history.back();
}

/** Goes to an address below `/ui`. With `replace` the browser's Back does not lead to the one before it. */
export function navigate(target: string, replace = false): void {
  const url = `${BASE}${target}`;
  if (replace) history.replaceState(history.state, "", url);
  else history.pushState({ depth: depth() + 1 }, "", url);
  const isOtherPage = address.value.path !== current().path;
  address.value = current();
  if (isOtherPage && !replace) window.scrollTo(0, 0);
}

/** Changes parts of the query; null takes one out. */
export function changeQuery(changes: Record<string, string | null>, replace = true): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  const path = address.value.path === "/" ? "/" : address.value.path;
  navigate(text ? `${path}?${text}` : path, replace);
}

function followed(event: MouseEvent): HTMLAnchorElement | undefined {
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!isPlain || event.defaultPrevented || !link || link.target || link.hasAttribute("download")) return undefined;
  const isOurs = link.origin === location.origin && (link.pathname === BASE || link.pathname.startsWith(`${BASE}/`));
  // A link to a place on the page is the browser's.
  return isOurs && !link.hash ? link : undefined;
}

export function startRouter(): void {
  window.addEventListener("popstate", () => {
    address.value = current();
  });
  document.addEventListener("click", (event) => {
    const link = followed(event);
    if (!link) return;
    event.preventDefault();
    navigate(link.pathname.slice(BASE.length) + link.search);
  });
}
