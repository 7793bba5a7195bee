// The pages that exist, in the order of the navigation, and the scope that each needs.

import { ROOT } from "../api/root.ts";
import type { IconName } from "../ui/icons.tsx";
import type { WordKey } from "../words/index.ts";
import { may } from "./session.ts";

export interface PageLink {
  path: string;
  word: WordKey;
  icon: IconName;
  scopes: string[];
}

/** Values are shown with their streams and devices. */
const VALUES = ["value:read", "data:read", "device:read"];

const PAGES: PageLink[] = [
  { path: "/", word: "overview", icon: "overview", scopes: [] },
  { path: "/live", word: "live", icon: "live", scopes: VALUES },
  { path: "/trend", word: "trend", icon: "trend", scopes: VALUES },
  { path: "/events", word: "events", icon: "events", scopes: ["event-log:read", "data:read", "device:read"] },
  { path: "/devices", word: "devices", icon: "devices", scopes: ["device:read"] },
  { path: "/models", word: "models", icon: "models", scopes: ["system:read", "device:read"] },
];

/** Pages for those who arrange what others see and look after the server. */
const TOOL_PAGES: PageLink[] = [
  { path: "/boards", word: "boards", icon: "boards", scopes: VALUES },
  { path: "/rules", word: "rules", icon: "rules", scopes: ["event-log:read", "data:read", "device:read"] },
  { path: "/data", word: "data", icon: "data", scopes: VALUES },
  { path: "/sql", word: "sql", icon: "sql", scopes: [] },
  { path: "/system", word: "system", icon: "system", scopes: ["system:read"] },
  { path: "/admin", word: "admin", icon: "admin", scopes: ["system:read"] },
];

/** Pages of their own, outside of the application. */
export const TOOLS: { href: string; word: WordKey; icon: IconName }[] = [
  { href: `${ROOT}/graphiql/`, word: "graphql", icon: "graphql" },
  { href: `${ROOT}/api/docs/`, word: "rest", icon: "rest" },
];

/** Whether the caller may look for devices and streams. */
export function mayFind(): boolean {
  return may("device:read") && may("data:read");
}

/** The pages that the caller may use. */
export function allowedPages(): PageLink[] {
  return [...PAGES, ...TOOL_PAGES].filter((page) => page.scopes.every(may));
}
