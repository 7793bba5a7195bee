// The grid of a board while it is edited: widgets move by pointer, and by keyboard with every step said aloud.

import { useRef, useState } from "preact/hooks";
import { placeOf } from "../../board/Grid.tsx";
import { byKey, COLUMNS, put } from "../../board/layout.ts";
import type { BoardData } from "../../board/types.ts";
import { nameOf, WidgetView } from "../../board/Widget.tsx";
import type { Widget } from "../../board/widgets.ts";
import { t } from "./words.ts";

/** Height of a row, with the space below it; CSS pixels. */
const ROW = 48;

interface DragState {
  id: string;
  /** The layout before it was taken, for Escape. */
  before: Widget[];
  widget: Widget;
}

interface EditProps {
  widgets: Widget[];
  change: (widgets: Widget[]) => void;
  setUp: (widget: Widget) => void;
}

/** Follows the pointer from where it went down until it is let go. */
function useDrag({ widgets, change }: EditProps, grid: { current: HTMLElement | null }) {
  return (event: PointerEvent, widget: Widget, isResize: boolean) => {
    if (event.button !== 0 || !grid.current) return;
    event.preventDefault();
    const handle = event.currentTarget as HTMLElement;
    handle.setPointerCapture(event.pointerId);
    const column = grid.current.clientWidth / COLUMNS;
    const [startX, startY] = [event.clientX, event.clientY];
    const onMove = (moved: PointerEvent) => {
      const dx = Math.round((moved.clientX - startX) / column);
      const dy = Math.round((moved.clientY - startY) / ROW);
      const wanted = isResize
        ? { ...widget, w: Math.min(widget.w + dx, COLUMNS - widget.x), h: widget.h + dy }
        : { ...widget, x: widget.x + dx, y: widget.y + dy };
      // From the layout at the start, so that what has made way comes back.
      change(put(widgets, wanted));
    };
    const onEnd = () => {
      handle.removeEventListener("pointermove", onMove);
      handle.removeEventListener("pointerup", onEnd);
      handle.removeEventListener("pointercancel", onEnd);
    };
    handle.addEventListener("pointermove", onMove);
    handle.addEventListener("pointerup", onEnd);
    handle.addEventListener("pointercancel", onEnd);
  };
}

/** Takes, moves and lays down by keys; says what it did. */
function useKeys({ change, widgets }: EditProps, say: (words: string) => void, nameFor: (widget: Widget) => string) {
  const [hold, setHold] = useState<DragState>();
  const onKeyDown = (event: KeyboardEvent, widget: Widget) => {
    const isHeld = hold?.id === widget.id;
    const name = nameFor(widget);
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      setHold(isHeld ? undefined : { id: widget.id, before: widgets, widget });
      say(t(isHeld ? "laidDown" : "taken", { name }));
    } else if (isHeld && event.key === "Escape") {
      event.preventDefault();
      change(hold.before);
      setHold(undefined);
      say(t("putBack", { name }));
    } else if (isHeld) {
      const wanted = byKey(hold.widget, event.key, event.shiftKey);
      if (!wanted) return;
      event.preventDefault();
      setHold({ ...hold, widget: wanted });
      change(put(hold.before, wanted));
      say(t("placedAt", { x: wanted.x + 1, y: wanted.y + 1, w: wanted.w, h: wanted.h }));
    }
  };
  return { onKeyDown, heldId: hold?.id, letGo: () => setHold(undefined) };
}

export function EditGrid({ shared, ...editing }: EditProps & { shared: BoardData }) {
  const grid = useRef<HTMLDivElement>(null);
  const [said, say] = useState("");
  const drag = useDrag(editing, grid);
  const { onKeyDown, heldId, letGo } = useKeys(editing, say, (widget) => nameOf(widget, shared));
  const remove = (widget: Widget) => editing.change(editing.widgets.filter(({ id }) => id !== widget.id));
  return (
    <>
      <p class="small" role="status" aria-live="assertive">
        {said}
      </p>
      <div class="board-grid is-edited" ref={grid}>
        {editing.widgets.map((widget) => {
          const name = nameOf(widget, shared);
          return (
            <section key={widget.id} class={`widget${heldId === widget.id ? " is-held" : ""}`} style={placeOf(widget)} data-widget={widget.id}>
              <div class="widget-tools">
                <button
                  type="button"
                  class="handle"
                  aria-label={t("moveWidget", { name })}
                  aria-pressed={heldId === widget.id}
                  onPointerDown={(event) => drag(event, widget, false)}
                  onKeyDown={(event) => onKeyDown(event, widget)}
                  onBlur={letGo}
                >
                  ⠿
                </button>
                <button type="button" aria-label={t("setUp", { name })} onClick={() => editing.setUp(widget)}>
                  {t("edit")}
                </button>
                <button type="button" aria-label={t("removeWidget", { name })} onClick={() => remove(widget)}>
                  ✕
                </button>
              </div>
              <WidgetView widget={widget} shared={shared} />
              <span class="corner" aria-hidden="true" onPointerDown={(event) => drag(event, widget, true)} />
            </section>
          );
        })}
      </div>
    </>
  );
}
