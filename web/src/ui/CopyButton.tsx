// A button that copies a text, also over plain HTTP, where browsers have no clipboard for pages.

import { useState } from "preact/hooks";
import { t } from "../words/index.ts";

/** Copies by the clipboard where there is one, else by a selection. */
function copy(text: string, place: HTMLElement): Promise<boolean> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const area = document.createElement("textarea");
  area.value = text;
  // Beside the button: what is outside of an open dialog cannot be selected.
  place.append(area);
  area.select();
  const isDone = document.execCommand("copy");
  area.remove();
  return Promise.resolve(isDone);
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [isDone, setDone] = useState<boolean>();
  return (
    <span class="copy">
      <button type="button" onClick={(event) => void copy(text, event.currentTarget.parentElement as HTMLElement).then(setDone)}>
        {label}
      </button>{" "}
      <span role="status">{isDone === undefined ? "" : isDone ? t("copyDone") : t("copyByHand")}</span>
    </span>
  );
}
