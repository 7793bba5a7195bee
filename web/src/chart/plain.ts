// Arithmetic of the plain chart: ticks, scales and paths of SVG.

import type { Range } from "./levels.ts";

export interface Point {
  time: number;
  value: number;
}

/** A part of time with its least and largest value. */
export interface Extent {
  time: number;
  lo: number;
  hi: number;
}

export interface Scale {
  range: Range;
  lo: number;
  hi: number;
  width: number;
  height: number;
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_419_200];

/** Times of ticks, seconds, and how far they are apart: at most one in so many pixels. `offset` is that of the zone, seconds. */
export function timeTicks({ from, to }: Range, width: number, offset = 0, apart = 90): { ticks: number[]; step: number } {
  const least = ((to - from) / 1000) * (apart / Math.max(1, width));
  const step = STEPS_S.find((one) => one >= least) ?? (STEPS_S.at(-1) as number);
  const ticks: number[] = [];
  for (let tick = Math.ceil((from / 1000 + offset) / step) * step - offset; tick * 1000 <= to; tick += step) ticks.push(tick);
  return { ticks, step };
}

/** Values of ticks: multiples of 1, 2 or 5 times a power of ten, about so many. */
export function valueTicks(lo: number, hi: number, count: number): number[] {
  const raw = (hi - lo) / Math.max(1, count);
  if (!(raw > 0)) return [lo];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5].find((one) => one * power >= raw) ?? 10) * power;
  const first = Math.ceil(lo / step);
  const last = Math.floor(hi / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

export const xOf = (time: number, { range, width }: Scale) => ((time - range.from) / (range.to - range.from)) * width;
export const yOf = (value: number, { lo, hi, height }: Scale) => height - ((value - lo) / (hi - lo)) * height;
export const timeOf = (x: number, { range, width }: Pick<Scale, "range" | "width">) => range.from + (x / width) * (range.to - range.from);

/** Least and largest of what is shown, with some air. */
export function boundsOf(values: number[]): [number, number] {
  const known = values.filter(Number.isFinite);
  if (known.length === 0) return [0, 1];
  const [lo, hi] = known.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity] as [number, number]);
  const air = hi > lo ? (hi - lo) * 0.08 : Math.max(Math.abs(hi) * 0.05, 0.5);
  return [lo - air, hi + air];
}

const fixed = (number: number) => number.toFixed(1);

/** Parts in which two neighbours are at most `apart` milliseconds from each other. */
export function unbroken<T extends { time: number }>(points: T[], apart: number): T[][] {
  const parts: T[][] = [];
  points.forEach((point, i) => {
    const before = points[i - 1];
    if (before && point.time - before.time <= apart) (parts.at(-1) as T[]).push(point);
    else parts.push([point]);
  });
  return parts;
}

/** A line through points, broken where they are farther apart. */
export function linePath(points: Point[], scale: Scale, apart: number): string {
  return unbroken(points, apart)
    .map((part) => `M${part.map(({ time, value }) => `${fixed(xOf(time, scale))} ${fixed(yOf(value, scale))}`).join("L")}${part.length === 1 ? "h0.1" : ""}`)
    .join("");
}

/** The area between the least and the largest values, broken as lines are. */
export function areaPath(extents: Extent[], scale: Scale, apart: number): string {
  const point = (time: number, value: number) => `${fixed(xOf(time, scale))} ${fixed(yOf(value, scale))}`;
  return unbroken(extents, apart)
    .map((part) => `M${[...part.map(({ time, hi }) => point(time, hi)), ...part.map(({ time, lo }) => point(time, lo)).reverse()].join("L")}Z`)
    .join("");
}
