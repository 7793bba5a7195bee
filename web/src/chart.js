// The answer as lines over time, in UTC.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { seriesOf } from "./series.js";

const HEIGHT = 260;
/** Apart from each other, and readable on light and on dark. */
const COLOURS = ["#2f81f7", "#d9730d", "#2da44e", "#cf4f8e", "#8a63d2", "#b59a00", "#0e9aa7", "#e5534b"];
const DAY = "{YYYY}-{MM}-{DD}";
/** For ticks so many seconds apart: the text of each, and what stands below where a day begins. */
const TICKS = [
  [365 * 86400, "{YYYY}"],
  [28 * 86400, "{YYYY}-{MM}"],
  [86400, DAY],
  [60, "{HH}:{mm}", `\n${DAY}`],
  [1, "{HH}:{mm}:{ss}", `\n${DAY}`],
  [0.001, "{ss}.{fff}", `\n${DAY} {HH}:{mm}`],
].map(([apart, text, day = null]) => [apart, text, day, null, day, null, null, null, 1]);
/** Up to so many points each is drawn by itself as well. */
const FEW = 60;

let plot;

/** Draws what can be drawn of the rows, else hides the figure. */
export function showChart(figure, rows) {
  plot?.destroy();
  plot = undefined;
  const series = seriesOf(rows);
  figure.hidden = series === null;
  if (series === null) return;
  const style = getComputedStyle(figure);
  const line = { stroke: style.borderTopColor, width: 1 };
  const axis = { stroke: style.color, grid: line, ticks: line };
  const lines = series.lines.map(({ label }, index) => ({
    label,
    stroke: COLOURS[index % COLOURS.length],
    points: { show: series.times.length <= FEW },
    spanGaps: true,
  }));
  const options = {
    width: figure.clientWidth,
    height: HEIGHT,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
    axes: [{ ...axis, values: TICKS }, axis],
    series: [{ label: "UTC", value: `${DAY} {HH}:{mm}:{ss}` }, ...lines],
  };
  plot = new uPlot(options, [series.times, ...series.lines.map(({ values }) => values)], figure);
}

/** Keeps the chart as wide as its place. */
export function followWidth(figure) {
  new ResizeObserver(() => plot?.setSize({ width: figure.clientWidth, height: HEIGHT })).observe(figure);
}
