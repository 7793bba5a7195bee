// SQL over HTTP, answered as JSON: for small answers, without the reader of Arrow.

import { post } from "./http.ts";

/** Rows as objects, for small answers. */
export async function rows<T>(query: string, params: object = {}, signal?: AbortSignal): Promise<T[]> {
  return (await post("/sql", { query, params }, "application/json", signal)).json();
}

/** Saves an answer as a file of CSV. */
export async function downloadCsv(query: string, name: string): Promise<void> {
  const answer = await post("/sql", { query }, "text/csv");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = `${name}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** The address of the SQL page with a statement in its editor. It is behind `#`, which is never sent. */
export function sqlPage(query: string): string {
  return `/console/#q=${encodeURIComponent(query)}`;
}
