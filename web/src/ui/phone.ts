// Whether the window is as narrow as a phone, where a table has room for few columns. Style sheets use the same width.

import { signal } from "@preact/signals";

const narrow = matchMedia("(max-width: 640px)");

export const isPhone = signal(narrow.matches);

narrow.addEventListener("change", () => {
  isPhone.value = narrow.matches;
});
