// A small chart of SVG, without uPlot: for pages that show one measure, not the trend explorer.

import { useEffect, useRef, useState } from "preact/hooks";
import { formatNumber, isUtc } from "../ui/format.ts";
import { tickTexts } from "./axis.ts";
import type { Range } from "./levels.ts";
import { areaPath, boundsOf, type Extent, linePath, type Point, type Scale, timeOf, timeTicks, valueTicks, xOf, yOf } from "./plain.ts";

export interface PlainLine {
  points: Point[];
  isDashed?: boolean;
}

interface Props {
  range: Range;
  lines?: PlainLine[];
  extents?: Extent[];
  /** Points farther apart than this are not joined, milliseconds. */
  apart: number;
  /** A value that is drawn as a line across. */
  limit?: number | null;
  bands?: Range[];
  height: number;
  /** Description of the picture, for those who do not see it. */
  label: string;
  cursor?: number | undefined;
  point?: (time: number) => void;
  brush?: Range | undefined;
  select?: (range: Range) => void;
}

const [LEFT, BOTTOM, RIGHT, TOP] = [56, 34, 8, 8];
/** A pointer that moves less has only clicked, CSS pixels. */
const LEAST_MOVE = 4;

function useWidth() {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(600);
  useEffect(() => {
    const element = place.current as HTMLDivElement;
    const observer = new ResizeObserver(() => setWidth(Math.max(120, element.clientWidth - LEFT - RIGHT)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { place, width };
}

/** The nearest place that the middle of a text may have, so that its ends are within the chart and its margin. A character is some 7 pixels wide. */
function within(x: number, text: string, width: number): number {
  const half = text.length * 3.5;
  return Math.max(half - LEFT, Math.min(x, width + RIGHT - half));
}

function Axes({ scale }: { scale: Scale }) {
  const { width, height, range } = scale;
  const offset = isUtc.value ? 0 : -new Date(range.from).getTimezoneOffset() * 60;
  const { ticks, step } = timeTicks(range, width, offset);
  const texts = tickTexts(ticks, step);
  return (
    <g class="axes">
      {valueTicks(scale.lo, scale.hi, height / 40).map((value) => (
        <g key={value}>
          <line x1={0} x2={width} y1={yOf(value, scale)} y2={yOf(value, scale)} />
          <text x={-6} y={yOf(value, scale) + 4} text-anchor="end">
            {formatNumber(value)}
          </text>
        </g>
      ))}
      {ticks.map((tick, i) => (
        <g key={tick}>
          <line x1={xOf(tick * 1000, scale)} x2={xOf(tick * 1000, scale)} y1={0} y2={height + 4} />
          {(texts[i] as string).split("\n").map((text, row) => (
            <text key={row} x={within(xOf(tick * 1000, scale), text, width)} y={height + 16 + row * 14} text-anchor="middle">
              {text}
            </text>
          ))}
        </g>
      ))}
    </g>
  );
}

/** Pointing moves the cursor, dragging selects; arrows do the same with Shift. */
function handsOf(props: Props, scale: Scale, drag: { current: number | undefined }) {
  const timeAt = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    return timeOf(Math.min(Math.max(event.clientX - box.left - LEFT, 0), scale.width), scale);
  };
  const least = (LEAST_MOVE / scale.width) * (scale.range.to - scale.range.from);
  const ordered = (one: number, other: number) => ({ from: Math.min(one, other), to: Math.max(one, other) });
  return {
    onPointerDown: (event: PointerEvent) => {
      drag.current = timeAt(event);
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
    },
    onPointerMove: (event: PointerEvent) => {
      const time = timeAt(event);
      props.point?.(time);
      if (drag.current !== undefined && Math.abs(time - drag.current) > least) props.select?.(ordered(drag.current, time));
    },
    onPointerUp: () => {
      drag.current = undefined;
    },
    onKeyDown: (event: KeyboardEvent) => {
      const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!direction || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      const { from, to } = scale.range;
      const step = (to - from) / 100;
      const cursor = props.cursor ?? (from + to) / 2;
      const next = Math.min(to, Math.max(from, cursor + direction * step));
      props.point?.(next);
      if (!event.shiftKey) return;
      const { brush } = props;
      const other = brush && Math.abs(brush.from - cursor) < step / 2 ? brush.to : brush && Math.abs(brush.to - cursor) < step / 2 ? brush.from : cursor;
      props.select?.(ordered(other, next));
    },
  };
}

export function PlainChart(props: Props) {
  const { range, lines = [], extents = [], apart, limit = null, bands = [], height, label, cursor, brush } = props;
  const { place, width } = useWidth();
  const drag = useRef<number | undefined>(undefined);
  const values = [...lines.flatMap(({ points }) => points.map(({ value }) => value)), ...extents.flatMap(({ lo, hi }) => [lo, hi])];
  const [lo, hi] = boundsOf(limit === null ? values : [...values, limit]);
  const scale: Scale = { range, lo, hi, width, height: height - BOTTOM - TOP };
  const part = ({ from, to }: Range) => {
    const [left, right] = [from, to].map((time) => Math.min(Math.max(xOf(time, scale), 0), width)) as [number, number];
    return { x: left, width: Math.max(2, right - left), y: 0, height: scale.height };
  };
  const isUsed = props.point !== undefined;
  const hands = isUsed ? { ...handsOf(props, scale, drag), tabindex: 0, role: "application" as const } : { role: "img" as const };
  return (
    <div class="plain-chart" ref={place}>
      <svg width={width + LEFT + RIGHT} height={height} aria-label={label} {...hands}>
        <g transform={`translate(${LEFT} ${TOP})`}>
          <Axes scale={scale} />
          {bands.map((band) => (
            <rect key={band.from} class="band" {...part(band)} />
          ))}
          {brush && <rect class="brush" {...part(brush)} />}
          <path class="area" d={areaPath(extents, scale, apart)} />
          {lines.map(({ points, isDashed }, i) => (
            <path key={i} class={isDashed ? "line dashed" : "line"} d={linePath(points, scale, apart)} />
          ))}
          {limit !== null && <line class="limit" x1={0} x2={width} y1={yOf(limit, scale)} y2={yOf(limit, scale)} />}
          {cursor !== undefined && cursor >= range.from && cursor <= range.to && (
            <line class="cursor" x1={xOf(cursor, scale)} x2={xOf(cursor, scale)} y1={0} y2={scale.height} />
          )}
        </g>
      </svg>
    </div>
  );
}
