// The lane of quality below a chart, one for each stream: whole is good, dotted uncertain, hatched bad, empty no data.

import { effect, type Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { AXIS, RIGHT } from "../../chart/Chart.tsx";
import type { Range } from "../../chart/levels.ts";
import { lane, type LaneState, runs } from "../../chart/quality.ts";
import { type MarksOf, readingInterval, type Series } from "../../chart/series.ts";

/** Height of a lane, CSS pixels. */
const HEIGHT = 5;
const AMBER = ["#8a5a00", "#ffc35a"] as const;
const RED = ["#b3261e", "#ff8a80"] as const;

interface Props {
  series: Series[];
  range: Signal<Range>;
  version: Signal<number>;
  marks: MarksOf;
  isDark: boolean;
}

function drawRun(context: CanvasRenderingContext2D, state: LaneState, [x, end, y]: [number, number, number], colours: string[]): void {
  const [good, uncertain, bad] = colours as [string, string, string];
  if (state === "good") {
    context.fillStyle = good;
    context.fillRect(x, y, end - x, HEIGHT - 1);
  } else if (state === "uncertain") {
    context.fillStyle = uncertain;
    for (let dot = x; dot < end; dot += 4) context.fillRect(dot, y, Math.min(2, end - dot), HEIGHT - 1);
  } else if (state === "bad") {
    context.fillStyle = bad;
    context.fillRect(x, y, Math.max(1, end - x), 1);
    context.fillRect(x, y + HEIGHT - 2, Math.max(1, end - x), 1);
    for (let stroke = x; stroke < end; stroke += 3) context.fillRect(stroke, y, 1, HEIGHT - 1);
  }
}

export function Lanes({ series, range, version, marks, isDark }: Props) {
  const place = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const canvas = place.current as HTMLCanvasElement;
    const draw = () => {
      const width = Math.max(1, canvas.clientWidth);
      canvas.width = width;
      canvas.height = HEIGHT * series.length;
      const context = canvas.getContext("2d");
      if (!context) return;
      const { from, to } = range.peek();
      series.forEach(({ stream, style }, row) => {
        const known = marks(stream.rowId, false);
        const states = lane(known, from, to, width, readingInterval(stream, known));
        const colours = [style.colour, AMBER[isDark ? 1 : 0], RED[isDark ? 1 : 0]];
        for (const [x, end, state] of runs(states)) drawRun(context, state, [x, end, row * HEIGHT], colours);
      });
    };
    let frame = 0;
    const soon = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(draw);
    };
    const stop = effect(() => {
      void [range.value, version.value];
      soon();
    });
    const observer = new ResizeObserver(soon);
    observer.observe(canvas);
    return () => {
      stop();
      observer.disconnect();
      cancelAnimationFrame(frame);
    };
  }, [series, range, version, isDark]);
  const style = { marginLeft: `${AXIS}px`, width: `calc(100% - ${AXIS + RIGHT}px)`, height: `${HEIGHT * series.length}px` };
  return <canvas class="lanes" ref={place} style={style} aria-hidden="true" />;
}
