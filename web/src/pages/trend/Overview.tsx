// The strip below the charts: all data of the chosen streams, and the part in view as a window that can be dragged.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { AXIS, RIGHT } from "../../chart/Chart.tsx";
import type { Range } from "../../chart/levels.ts";
import { may } from "../../shell/session.ts";
import { useRequest } from "../../ui/request.ts";
import { dateTime, shortTime } from "../../ui/format.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import type { ChartHandlers } from "./Charts.tsx";
import { barsPath, dragged, type Extent, type Grip, gripAt, loadExtent } from "./extent.ts";
import type { TrendModel } from "./model.ts";
import { t } from "./words.ts";

const [BARS, EVENTS] = [30, 8];
/** Distance from an edge at which it is taken hold of, and the least width of the window; CSS pixels. */
const [NEAR, LEAST] = [8, 6];
/** Data is asked for again so often, milliseconds. */
const REPEAT = 60_000;
/** The shortest window that the strip makes, milliseconds. */
const SHORTEST = 1000;

interface Props {
  model: TrendModel;
  streams: number[];
  handlers: ChartHandlers;
}

function useWidth(isThere: boolean) {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(600);
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setWidth(Math.max(80, element.clientWidth - AXIS - RIGHT)));
    observer.observe(element);
    return () => observer.disconnect();
  }, [isThere]);
  return { place, width };
}

/** Dragging the window, its edges, or a place outside, to which it jumps. */
function usePointer(model: TrendModel, handlers: ChartHandlers, { range }: Extent, width: number) {
  const held = useRef<{ grip: Grip; at: number; window: Range }>(undefined);
  const perPixel = (range.to - range.from) / width;
  const timeOf = (event: PointerEvent) => range.from + (event.clientX - (event.currentTarget as Element).getBoundingClientRect().left) * perPixel;
  return {
    onPointerDown: (event: PointerEvent) => {
      const at = timeOf(event);
      let window = model.range.peek();
      const grip = gripAt(at, window, NEAR * perPixel);
      if (!grip) {
        const half = (window.to - window.from) / 2;
        window = { from: at - half, to: at + half };
        handlers.show(window, false);
      }
      held.current = { grip: grip ?? "whole", at, window };
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
    },
    onPointerMove: (event: PointerEvent) => {
      if (!held.current) return;
      const { grip, at, window } = held.current;
      handlers.show(dragged(window, grip, timeOf(event) - at, SHORTEST), false);
    },
    onPointerUp: () => {
      if (held.current) handlers.show(model.range.peek(), true);
      held.current = undefined;
    },
  };
}

function onKey(event: KeyboardEvent, model: TrendModel, handlers: ChartHandlers, all: Range): void {
  const { from, to } = model.range.peek();
  const length = to - from;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "ArrowLeft") handlers.move(-0.5);
  else if (event.key === "ArrowRight") handlers.move(0.5);
  else if (event.key === "Home") handlers.show({ from: all.from, to: all.from + length }, true);
  else if (event.key === "End") handlers.show({ from: all.to - length, to: all.to }, true);
  else if (event.key === "+") handlers.zoom(0.5);
  else if (event.key === "-") handlers.zoom(2);
  else return;
  event.preventDefault();
}

function Strip({ model, handlers, extent, width }: { model: TrendModel; handlers: ChartHandlers; extent: Extent; width: number }) {
  const { range, step, readings, events } = extent;
  const bars = useMemo(() => barsPath(readings, range, step, width, BARS), [extent, width]);
  const marks = useMemo(() => barsPath(events.map(({ time }) => ({ time, n: 1 })), range, step, width, EVENTS - 2), [extent, width]);
  const pointer = usePointer(model, handlers, extent, width);
  const window = model.range.value;
  const x = (time: number) => Math.min(Math.max(((time - range.from) / (range.to - range.from)) * width, 0), width);
  const left = Math.min(x(window.from), width - LEAST);
  const right = Math.max(x(window.to), left + LEAST);
  const whole = (time: number) => dateTime(Math.floor(time / 1000) * 1000);
  const share = Math.round((((window.from + window.to) / 2 - range.from) / (range.to - range.from)) * 100);
  return (
    <svg
      class="strip"
      width={width}
      height={BARS + EVENTS}
      // Names of SVG have small letters.
      tabindex={0}
      role="slider"
      aria-label={t("stripLabel")}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.min(100, Math.max(0, share))}
      aria-valuetext={`${whole(window.from)} – ${whole(window.to)}`}
      onKeyDown={(event) => onKey(event, model, handlers, range)}
      {...pointer}
    >
      <path class="density" d={bars} />
      <path class="marks" d={marks} transform={`translate(0 ${BARS + 2})`} />
      <rect class="window" x={left} y={0.5} width={right - left} height={BARS + EVENTS - 1} />
    </svg>
  );
}

export function Overview({ model, streams, handlers }: Props) {
  const { data, error, reload } = useRequest((signal) => loadExtent(streams, may("event-log:read"), Date.now(), signal), [streams.join()], REPEAT);
  const { place, width } = useWidth(data !== undefined);
  const present = Date.now();
  return (
    <div class="overview" ref={place}>
      <ErrorBox error={error} again={reload} />
      {data && (
        <div style={{ marginLeft: `${AXIS}px`, width: `${width}px` }}>
          <Strip model={model} handlers={handlers} extent={data} width={width} />
          <p class="ends small muted">
            <span>{shortTime(data.range.from, present)}</span>
            <span class="strip-words">{t("stripWords")}</span>
            <span>{shortTime(data.range.to, present)}</span>
          </p>
        </div>
      )}
    </div>
  );
}
