// The present, once a second, for ages and for ranges that end now.

import { signal } from "@preact/signals";

export const now = signal(Date.now());

setInterval(() => {
  // A page that nobody looks at needs no clock.
  if (!document.hidden) now.value = Date.now();
}, 1000);
