// How far something is, as a bar and in words.

import { formatPercent } from "./format.ts";

export function Progress({ of, label }: { of: number; label: string }) {
  return (
    <span class="progress">
      <progress max={1} value={of} aria-label={label} />
      <span>{formatPercent(of)}</span>
    </span>
  );
}
