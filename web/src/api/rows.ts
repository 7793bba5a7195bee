// SQL over HTTP, answered as JSON: for small answers, without the reader of Arrow.

import { BASE } from "./root.ts";
import { post, send } from "./http.ts";

/** Rows as objects, for small answers. */
export async function rows<T>(query: string, params: object = {}, signal?: AbortSignal): Promise<T[]> {
  return (await post("/sql", { query, params }, "application/json", signal)).json();
}

/** Rows of a named query of the server. */
export async function named<T>(name: string, params: Record<string, string | number>, signal?: AbortSignal): Promise<T[]> {
  const query = new URLSearchParams(Object.entries(params).map(([key, value]) => [key, String(value)]));
  return (await send(`/sql/queries/${name}?${query}`, { headers: { Accept: "application/json" }, signal: signal ?? null })).json();
}

/** Forms of a file that an answer can be saved in, and their media types. */
export const FILES = {
  csv: "text/csv",
  arrows: "application/vnd.apache.arrow.stream",
  parquet: "application/vnd.apache.parquet",
} as const;

/** An answer as a file. */
export async function fileOf(query: string, form: keyof typeof FILES): Promise<Blob> {
  return (await post("/sql", { query }, FILES[form])).blob();
}

/** The address of the SQL page with a statement in its editor. It is behind `#`, which is never sent. */
export function sqlPage(query: string): string {
  return `${BASE}/sql#q=${encodeURIComponent(query)}`;
}
