// Whether the live connection is there: since when not, to say it once at the top.

import { signal } from "@preact/signals";
import { watchConnection } from "../api/live.ts";

/** Time at which the connection was lost; undefined while it is there or was not wanted. */
export const lostAt = signal<number | undefined>(undefined);

export function startConnection(): void {
  watchConnection((isConnected) => {
    if (isConnected) lostAt.value = undefined;
    else lostAt.value ??= Date.now();
  });
}
