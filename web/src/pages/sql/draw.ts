// An answer as lines over time, in the reader's zone.

import uPlot from "uplot";
import { tickTexts } from "../../chart/axis.ts";
import { seriesStyle } from "../../chart/palette.ts";
import { dateTime } from "../../ui/format.ts";
import type { Series } from "./series.ts";

const HEIGHT = 260;
/** Up to so many points each is drawn by itself as well. */
const FEW = 60;

/** Draws into a figure, as wide as it is; the function that is returned takes the chart away. */
export function draw(figure: HTMLElement, { times, lines }: Series, isDark: boolean): () => void {
  const style = getComputedStyle(figure);
  const line = { stroke: style.borderTopColor, width: 1 };
  const axis = { stroke: style.color, grid: line, ticks: line };
  const plot = new uPlot(
    {
      width: figure.clientWidth,
      height: HEIGHT,
      axes: [{ ...axis, values: (_, splits, __, ___, step) => tickTexts(splits, step) }, axis],
      series: [
        { value: (_, at) => (at == null ? "–" : dateTime(at * 1000)) },
        ...lines.map(({ label }, index) => {
          const { colour, dash } = seriesStyle(index, isDark);
          return { label, stroke: colour, dash: dash ? [dash, dash] : [], points: { show: times.length <= FEW }, spanGaps: true };
        }),
      ],
    },
    [times, ...lines.map(({ values }) => values)],
    figure,
  );
  const observer = new ResizeObserver(() => plot.setSize({ width: figure.clientWidth, height: HEIGHT }));
  observer.observe(figure);
  return () => {
    observer.disconnect();
    plot.destroy();
  };
}
