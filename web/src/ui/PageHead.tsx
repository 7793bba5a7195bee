// The head of a page: its name and what can be done with it, in one line.

import type { ComponentChildren } from "preact";
import { formatCount } from "./format.ts";

interface Props {
  title: ComponentChildren;
  /** How many there are of what the page lists. */
  count?: number | undefined;
  children?: ComponentChildren;
}

export function PageHead({ title, count, children }: Props) {
  return (
    <div class="page-head">
      <h1>
        {title}
        {count !== undefined && <span class="count"> {formatCount(count)}</span>}
      </h1>
      {children}
    </div>
  );
}
