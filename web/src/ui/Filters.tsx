// Filters of a list: a line on a screen. On a phone they are folded behind one control that says how many are set, so that the page
// begins with its content.

import type { ComponentChildren } from "preact";
import { t } from "../words/index.ts";
import { Empty } from "./parts.tsx";
import { isPhone } from "./phone.ts";

export function Filters({ set, children }: { set: number; children: ComponentChildren }) {
  const line = (
    <div class="filters" role="group" aria-label={t("filter")}>
      {children}
    </div>
  );
  return isPhone.value ? <Fold title={`${t("filter")}${set > 0 ? ` (${set})` : ""}`}>{line}</Fold> : line;
}

/** Nothing matches, and the way back to everything. */
export function NoMatch({ clear }: { clear: () => void }) {
  return (
    <Empty title={t("noMatch")}>
      <button type="button" onClick={clear}>
        {t("clearFilters")}
      </button>
    </Empty>
  );
}

/** One control that shows more. */
export function Fold({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <details class="folded">
      <summary>{title}</summary>
      {children}
    </details>
  );
}
