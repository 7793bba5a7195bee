// Which reading is the newest.

import type { Reading } from "../../api/types.ts";

/** The newest of what is known and what is told, by its time; of the same time, what was told last. Late readings are told too. */
export function newestOf(known: Reading | null, told: Reading[]): Reading | null {
  return told.reduce((newest, one) => (newest !== null && Date.parse(newest.ts) > Date.parse(one.ts) ? newest : one), known);
}
