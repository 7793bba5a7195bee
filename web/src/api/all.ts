// Lists that are short enough to be shown whole.

import type { Page } from "./types.ts";

type Part<T> = Pick<Page<T>, "nodes"> & { pageInfo: Pick<Page<T>["pageInfo"], "hasNextPage" | "endCursor"> };

/** Asks for all pages of a list, one after another. */
export async function all<T>(load: (after: string | null) => Promise<Part<T>>): Promise<T[]> {
  const nodes: T[] = [];
  let after: string | null = null;
  while (true) {
    const page: Part<T> = await load(after);
    nodes.push(...page.nodes);
    if (!page.pageInfo.hasNextPage) return nodes;
    after = page.pageInfo.endCursor;
  }
}
