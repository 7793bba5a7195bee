// How bad what needs attention is.

/** The worst first; each has a mark of its colour beside the sign that says it. */
const RANKS = ["critical", "error", "warning", "quiet"] as const;

export type Rank = (typeof RANKS)[number];

/** The worst first, and those that are equally bad in the order that they have. */
export function worstFirst<T extends { rank: Rank }>(entries: T[]): T[] {
  return [...entries].sort((a, b) => RANKS.indexOf(a.rank) - RANKS.indexOf(b.rank));
}
