// Hands on a chart: drag pans, wheel and pinch zoom about the pointer, Shift and drag selects, double click goes back.

import { type Range, zoomed } from "./levels.ts";

export interface GestureHandlers {
  range: () => Range;
  /** Shows a range while a gesture goes on, and keeps it when `isFinal`. */
  show: (range: Range, isFinal: boolean) => void;
  /** The time under the pointer; undefined when it has left. */
  point: (time: number | undefined) => void;
  back: () => void;
  /** The time that the wheel leaves where it is; undefined for the one under the pointer. */
  anchor: () => number | undefined;
}

/** Milliseconds after the last turn of the wheel at which it counts as finished. */
const WHEEL_REST = 250;

/** State with which a gesture began. */
interface Start {
  range: Range;
  /** Middle of the pointers, and how far apart they are; CSS pixels. */
  x: number;
  distance: number;
}

/** Pointers closer than this would zoom without measure. */
const LEAST_DISTANCE = 20;
/** A pointer that moves less has only clicked. */
const LEAST_MOVE = 2;

class Gestures {
  private readonly pointers = new Map<number, number>();
  private start: Start | undefined;
  private selection: HTMLElement | undefined;
  private wheel: ReturnType<typeof setTimeout> | undefined;
  private hasMoved = false;

  constructor(
    private readonly area: HTMLElement,
    private readonly handlers: GestureHandlers,
  ) {}

  stop(): void {
    clearTimeout(this.wheel);
  }

  private xOf(event: MouseEvent): number {
    return event.clientX - this.area.getBoundingClientRect().left;
  }

  private timeAt(x: number, { from, to } = this.handlers.range()): number {
    return from + (x / this.area.clientWidth) * (to - from);
  }

  private get middle(): number {
    return [...this.pointers.values()].reduce((sum, x) => sum + x, 0) / this.pointers.size;
  }

  private get distance(): number {
    const [one = 0, other = 0] = this.pointers.values();
    return Math.max(LEAST_DISTANCE, Math.abs(one - other));
  }

  private begin(): void {
    this.start = { range: this.handlers.range(), x: this.middle, distance: this.distance };
  }

  readonly down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    this.area.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.xOf(event));
    this.hasMoved = false;
    this.begin();
    if (event.shiftKey && !this.selection) {
      this.selection = document.createElement("div");
      this.selection.className = "selection";
      this.area.append(this.selection);
    }
  };

  readonly move = (event: PointerEvent): void => {
    this.handlers.point(this.timeAt(this.xOf(event)));
    if (!this.pointers.has(event.pointerId) || !this.start) return;
    this.pointers.set(event.pointerId, this.xOf(event));
    if (Math.abs(this.middle - this.start.x) > LEAST_MOVE || this.pointers.size > 1) this.hasMoved = true;
    if (!this.hasMoved) return;
    if (this.selection) this.select(this.selection, this.start);
    else this.drag(this.start);
  };

  private select(selection: HTMLElement, { x }: Start): void {
    selection.style.left = `${Math.min(x, this.middle)}px`;
    selection.style.width = `${Math.abs(this.middle - x)}px`;
  }

  /** Shows what lies under the pointers where it was when they came down. */
  private drag({ range, x, distance }: Start): void {
    const factor = this.pointers.size > 1 ? distance / this.distance : 1;
    const { from, to } = zoomed(range, factor, this.timeAt(x, range));
    const moved = ((this.middle - x) / this.area.clientWidth) * (to - from);
    this.handlers.show({ from: from - moved, to: to - moved }, false);
  }

  readonly up = (event: PointerEvent): void => {
    if (!this.pointers.has(event.pointerId)) return;
    const end = this.middle;
    this.pointers.delete(event.pointerId);
    if (this.selection && this.start) {
      this.selection.remove();
      this.selection = undefined;
      const [left, right] = [Math.min(this.start.x, end), Math.max(this.start.x, end)];
      if (this.hasMoved) this.handlers.show({ from: this.timeAt(left), to: this.timeAt(right) }, true);
    } else if (this.hasMoved && this.pointers.size === 0) this.handlers.show(this.handlers.range(), true);
    if (this.pointers.size > 0) this.begin();
    else this.start = undefined;
  };

  readonly turn = (event: WheelEvent): void => {
    // The browser's own zoom of the page.
    if (event.ctrlKey) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    const about = this.handlers.anchor() ?? this.timeAt(this.xOf(event));
    this.handlers.show(zoomed(this.handlers.range(), Math.exp(pixels * 0.0015), about), false);
    clearTimeout(this.wheel);
    this.wheel = setTimeout(() => this.handlers.show(this.handlers.range(), true), WHEEL_REST);
  };
}

/** Listens on the plot area of a chart. Returns what ends it. */
export function listen(area: HTMLElement, handlers: GestureHandlers): () => void {
  const gestures = new Gestures(area, handlers);
  const control = new AbortController();
  const { signal } = control;
  area.addEventListener("pointerdown", gestures.down, { signal });
  area.addEventListener("pointermove", gestures.move, { signal });
  area.addEventListener("pointerup", gestures.up, { signal });
  area.addEventListener("pointercancel", gestures.up, { signal });
  area.addEventListener("pointerleave", () => handlers.point(undefined), { signal });
  area.addEventListener("wheel", gestures.turn, { signal, passive: false });
  area.addEventListener("dblclick", () => handlers.back(), { signal });
  return () => {
    gestures.stop();
    control.abort();
  };
}
