// How narrow the window is, also after it has changed. Style sheets use the same widths.

import { type ReadonlySignal, signal } from "@preact/signals";

function matches(query: string): ReadonlySignal<boolean> {
  const list = matchMedia(query);
  const current = signal(list.matches);
  list.addEventListener("change", () => {
    current.value = list.matches;
  });
  return current;
}

/** As narrow as a phone, where a table has room for few columns. */
export const isPhone = matches("(max-width: 640px)");

/** There is room for a list beside what is chosen from it. */
export const hasRoomForList = matches("(min-width: 900px)");
