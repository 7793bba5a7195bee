// Of many things to choose from, those that are shown: thousands of options would hold the page up, and nobody reads them.

import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import { t } from "../words/index.ts";
import { formatCount } from "./format.ts";

/** Options that are shown at once; a longer list is searched. */
export const SHOWN = 200;

/** Options that are chosen, and of the rest the first whose names contain the text, in the order of the list. */
export function narrowed<T>(all: T[], text: string, nameOf: (one: T) => string, isChosen: (one: T) => boolean): T[] {
  if (all.length <= SHOWN) return all;
  const wanted = text.trim().toLowerCase();
  let left = SHOWN;
  return all.filter((one) => {
    if (isChosen(one)) return true;
    if (left === 0 || !nameOf(one).toLowerCase().includes(wanted)) return false;
    left -= 1;
    return true;
  });
}

interface NarrowedChoice<T> {
  shown: T[];
  /** Field for part of a name; null where all are shown. */
  search: VNode | null;
}

export function useNarrowed<T>(all: T[], nameOf: (one: T) => string, isChosen: (one: T) => boolean): NarrowedChoice<T> {
  const [text, setText] = useState("");
  const chosen = all.length > SHOWN ? all.filter(isChosen).map(nameOf).join() : "";
  const shown = useMemo(() => narrowed(all, text, nameOf, isChosen), [all, text, chosen]);
  if (all.length <= SHOWN) return { shown, search: null };
  const search = (
    <p class="narrow-search">
      <input
        type="search"
        aria-label={t("findStreamOrDevice")}
        placeholder={t("findStreamOrDevice")}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        // Looking for something does not send the form that it is in.
        onKeyDown={(event) => event.key === "Enter" && event.preventDefault()}
      />{" "}
      <span class="muted small">{t("shownOf", { shown: formatCount(shown.length), total: formatCount(all.length) })}</span>
    </p>
  );
  return { shown, search };
}
