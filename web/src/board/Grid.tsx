// The widgets of a board, each in its place.

import { useSparks } from "./sparks.ts";
import type { BoardData } from "./types.ts";
import { WidgetView } from "./Widget.tsx";
import type { Widget } from "./widgets.ts";

/** Columns and rows of a widget, as a style. */
export function placeOf({ x, y, w, h }: Widget) {
  return { gridColumn: `${x + 1} / span ${w}`, gridRow: `${y + 1} / span ${h}` };
}

/** In the order in which they are read, from the top, row by row. */
function inOrder(widgets: Widget[]): Widget[] {
  return [...widgets].sort((a, b) => a.y - b.y || a.x - b.x);
}

export function Grid({ widgets, shared }: { widgets: Widget[]; shared: BoardData }) {
  const all = { ...shared, sparks: useSparks(widgets, shared) };
  return (
    <div class="board-grid">
      {inOrder(widgets).map((widget) => (
        <section key={widget.id} class="widget" style={placeOf(widget)} data-widget={widget.id}>
          <WidgetView widget={widget} shared={all} />
        </section>
      ))}
    </div>
  );
}
