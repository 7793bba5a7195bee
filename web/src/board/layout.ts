// Places of widgets: a grid of 24 columns, in which none overlaps another.

export const COLUMNS = 24;
/** Rows below which nothing is put. */
const MOST_ROWS = 1000;

export interface Place {
  id: string;
  x: number;
  y: number;
  w: number;
  h: number;
}

const clamp = (value: number, least: number, most: number) => Math.min(Math.max(value, least), most);

/** The nearest place within the grid. */
export function within<P extends Place>(place: P): P {
  const w = clamp(Math.round(place.w), 1, COLUMNS);
  const h = clamp(Math.round(place.h), 1, MOST_ROWS);
  return { ...place, w, h, x: clamp(Math.round(place.x), 0, COLUMNS - w), y: clamp(Math.round(place.y), 0, MOST_ROWS - h) };
}

export function overlap(a: Place, b: Place): boolean {
  return a.id !== b.id && a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** Puts a widget where it is wanted. Those that are in its way go down, each as far as it must. */
export function put<P extends Place>(places: P[], wanted: P): P[] {
  const fixed: P[] = [within(wanted)];
  const others = places.filter(({ id }) => id !== wanted.id).sort((a, b) => a.y - b.y || a.x - b.x);
  for (const other of others) {
    let moved = other;
    for (let hit = fixed.find((one) => overlap(one, moved)); hit; hit = fixed.find((one) => overlap(one, moved))) {
      moved = { ...moved, y: hit.y + hit.h };
    }
    fixed.push(moved);
  }
  // In the order in which they were, so that nothing is drawn anew.
  const byId = new Map(fixed.map((place) => [place.id, place]));
  return places.map(({ id }) => byId.get(id) as P);
}

/** The first free place of a size, from the top. */
export function freePlace(places: Place[], w: number, h: number): { x: number; y: number } {
  for (let y = 0; ; y += 1) {
    for (let x = 0; x + w <= COLUMNS; x += 1) {
      if (!places.some((place) => overlap(place, { id: "", x, y, w, h }))) return { x, y };
    }
  }
}

/** Place of a widget that is held after a key: arrows move it, with Shift they change its size. */
export function byKey<P extends Place>(place: P, key: string, hasShift: boolean): P | undefined {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  if (!step) return undefined;
  const [dx, dy] = step as [number, number];
  const moved = hasShift ? { ...place, w: Math.min(place.w + dx, COLUMNS - place.x), h: place.h + dy } : { ...place, x: place.x + dx, y: place.y + dy };
  return within(moved);
}
