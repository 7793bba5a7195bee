// One chart: streams of one unit over the common range. uPlot draws the axes, the painter the streams.

import { effect, type Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { tickTexts } from "./axis.ts";
import { type Band, hatch, LEAST_BAND, levelColour } from "./bands.ts";
import { listen } from "./gestures.ts";
import type { Range } from "./levels.ts";
import { extent } from "./marks.ts";
import { paint } from "./paint.ts";
import { rgb } from "./palette.ts";
import { type MarksOf, readingInterval, type Series } from "./series.ts";

/** Width of the axis on the left and the space on the right, CSS pixels; everything below a chart keeps to them. */
export const AXIS = 64;
export const RIGHT = 12;
/** Thickness of a line, CSS pixels. */
const LINE = 1.6;
/** Alpha of bands, of the view and of the time before. */
const BAND = 96;
const BAND_BEFORE = 32;

export interface ChartProps {
  series: Series[];
  range: Signal<Range>;
  /** Counts up when there is something new to draw. */
  version: Signal<number>;
  cursor: Signal<number | undefined>;
  bands: Signal<Band[]>;
  marks: MarksOf;
  show: (range: Range, isFinal: boolean) => void;
  back: () => void;
  anchor: () => number | undefined;
  /** The bounds of y that were set by hand. */
  bounds: [number, number] | undefined;
  height: number;
  /** Whether the texts of the time axis are shown: below the last chart. */
  hasTimes: boolean;
  isDark: boolean;
  label: string;
}

/** The bounds of the axis: what is in view, with some air. */
export function boundsOf(series: Series[], marks: MarksOf, { from, to }: Range): [number, number] {
  let [lo, hi] = [Infinity, -Infinity];
  for (const { stream, isBefore } of series) {
    const known = marks(stream.rowId, isBefore);
    const found = extent(known, from, to, readingInterval(stream, known));
    if (found) [lo, hi] = [Math.min(lo, found[0]), Math.max(hi, found[1])];
  }
  if (lo > hi) return [0, 1];
  const air = hi > lo ? (hi - lo) * 0.08 : Math.max(Math.abs(hi) * 0.05, 0.5);
  return [lo - air, hi + air];
}

/** Draws the bands of events and every stream into the plot area. */
function drawInto(plot: uPlot, props: ChartProps): void {
  const { ctx, bbox } = plot;
  const { from, to } = props.range.value;
  const xOf = (time: number) => bbox.left + ((time - from) / (to - from)) * bbox.width;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const band of props.bands.value) {
    const left = xOf(band.from);
    const width = Math.max(LEAST_BAND * devicePixelRatio, xOf(band.to) - left);
    hatch(ctx, left, bbox.top, width, bbox.height, levelColour(band.event.level, props.isDark));
  }
  const [width, height] = [Math.round(bbox.width), Math.round(bbox.height)];
  if (width > 0 && height > 0) {
    const image = new ImageData(width, height);
    const { min = 0, max = 1 } = plot.scales["y"] ?? {};
    for (const { stream, style, isStepped, isBefore } of props.series) {
      const marks = props.marks(stream.rowId, isBefore);
      const pen = {
        colour: rgb(style.colour),
        thickness: (isBefore ? LINE / 2 : LINE) * devicePixelRatio,
        isStepped,
        dash: style.dash * devicePixelRatio,
        interval: readingInterval(stream, marks),
        band: isBefore ? BAND_BEFORE : BAND,
      };
      paint(image, marks, { from, to, lo: min ?? 0, hi: max ?? 1 }, pen);
    }
    // putImageData would wipe out the grid.
    const layer = new OffscreenCanvas(width, height);
    layer.getContext("2d")?.putImageData(image, 0, 0);
    ctx.drawImage(layer, bbox.left, bbox.top);
  }
  const future = Math.max(bbox.left, xOf(Date.now()));
  if (future < bbox.left + bbox.width) {
    ctx.globalAlpha = 0.08;
    ctx.fillStyle = props.isDark ? "#fff" : "#000";
    ctx.fillRect(future, bbox.top, bbox.left + bbox.width - future, bbox.height);
  }
  ctx.restore();
}

function options(props: () => ChartProps, width: number): uPlot.Options {
  const { isDark, height, hasTimes } = props();
  const text = isDark ? "#9aa5b1" : "#5b6570";
  const line = { stroke: isDark ? "#2a3037" : "#e4e8ec", width: 1 };
  const axis = { stroke: text, grid: line, ticks: { ...line, size: 4 }, font: "12px system-ui, sans-serif" };
  return {
    width,
    height,
    padding: [8, RIGHT, hasTimes ? 0 : 4, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false, setScale: false }, points: { show: false }, y: false },
    scales: {
      x: { time: true, range: () => [props().range.value.from / 1000, props().range.value.to / 1000] },
      y: { range: () => props().bounds ?? boundsOf(props().series, props().marks, props().range.value) },
    },
    axes: [
      { ...axis, show: true, size: hasTimes ? 40 : 4, values: (_, splits, __, ___, step) => (hasTimes ? tickTexts(splits, step) : splits.map(() => "")) },
      { ...axis, size: AXIS, values: (_, splits) => splits.map((value) => axisNumber(value)) },
    ],
    series: [{}, { paths: () => null, points: { show: false } }],
    hooks: { draw: [(plot) => drawInto(plot, props())] },
  };
}

function axisNumber(value: number): string {
  return Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-3) ? value.toExponential(1) : String(Number(value.toPrecision(6)));
}

export function Chart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const plotted = useRef<uPlot>(undefined);
  useEffect(() => {
    const parent = place.current as HTMLDivElement;
    const own = () => latest.current;
    const plot = new uPlot(options(own, Math.max(200, parent.clientWidth)), [[0, 1], [0, 1]], parent);
    plotted.current = plot;
    const observer = new ResizeObserver(() => plot.setSize({ width: Math.max(200, parent.clientWidth), height: latest.current.height }));
    observer.observe(parent);
    const stopListening = listen(plot.over, {
      range: () => own().range.value,
      show: (range, isFinal) => own().show(range, isFinal),
      point: (time) => {
        own().cursor.value = time;
      },
      back: () => own().back(),
      anchor: () => own().anchor(),
    });
    // At most once a frame, whatever changes.
    let frame = 0;
    const stopDrawing = effect(() => {
      void [props.range.value, props.version.value, props.bands.value];
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => redraw(plot, own()));
    });
    const stopCursor = effect(() => {
      const time = props.cursor.value;
      const { from, to } = props.range.value;
      const left = time === undefined ? -10 : ((time - from) / (to - from)) * plot.over.clientWidth;
      plot.setCursor({ left, top: time === undefined ? -10 : 1 }, false);
    });
    return () => {
      cancelAnimationFrame(frame);
      stopDrawing();
      stopCursor();
      stopListening();
      observer.disconnect();
      plot.destroy();
    };
  }, [props.isDark, props.hasTimes, props.range, props.version, props.bands, props.cursor]);
  useEffect(() => {
    if (plotted.current) redraw(plotted.current, latest.current);
  }, [props.series, props.bounds]);
  return <div class="chart" ref={place} aria-hidden="true" style={{ height: `${props.height}px` }} />;
}

function redraw(plot: uPlot, { range }: ChartProps): void {
  const { from, to } = range.value;
  // The values only make uPlot compute its scales anew; the painter draws.
  plot.setData([[from / 1000, to / 1000], [0, 1]], true);
}
