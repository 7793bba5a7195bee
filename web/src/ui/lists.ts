// Arrow keys in lists: from a link of a row to the same of the next one, so that nobody has to tab through a table.

const ITEMS = "tbody tr, li";
const PLACES = "a[href], button:not(:disabled), summary";

function next(item: Element, direction: 1 | -1): HTMLElement | null {
  let other = direction === 1 ? item.nextElementSibling : item.previousElementSibling;
  while (other) {
    const place = other.matches(ITEMS) ? other.querySelector<HTMLElement>(PLACES) : null;
    if (place) return place;
    other = direction === 1 ? other.nextElementSibling : other.previousElementSibling;
  }
  return null;
}

/** Takes a key to the next or the previous item of a list; others are left to whom they belong. */
export function moveInList(event: KeyboardEvent): void {
  const direction = ({ ArrowDown: 1, ArrowUp: -1 } as const)[event.key];
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
  if (!direction || !isPlain || event.defaultPrevented || !(event.target instanceof Element) || !event.target.matches(PLACES)) return;
  const item = event.target.closest(ITEMS);
  const place = item && next(item, direction);
  if (!place) return;
  event.preventDefault();
  place.focus();
}
