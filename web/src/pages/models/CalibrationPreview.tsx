// Preview of a calibration: the scores of the range, where the threshold lies in them, and the events that it would have made.

import { formatCount, formatNumber } from "../../ui/format.ts";
import { t } from "./words.ts";

/** A part of the scores, from one value to the next. */
interface Bin {
  from: number;
  to: number;
  count: number;
}

export interface CalibrationPreview {
  threshold: number;
  windows: number;
  /** Events that would have been made in the range. */
  events: number;
  histogram: Bin[];
}

/** Height of the largest bar. */
const HIGH = 40;

function Histogram({ preview, label }: { preview: CalibrationPreview; label: string }) {
  const { histogram, threshold } = preview;
  const [first, last] = [histogram[0], histogram.at(-1)];
  if (!first || !last) return null;
  const most = Math.max(1, ...histogram.map(({ count }) => count));
  const width = last.to - first.from || 1;
  const x = (value: number) => ((value - first.from) / width) * 100;
  return (
    <>
      <svg class="day-bars" viewBox={`0 0 100 ${HIGH}`} preserveAspectRatio="none" role="img" aria-label={label}>
        {histogram.map(({ from, to, count }) => (
          <rect key={from} x={x(from)} width={Math.max(0.2, (x(to) - x(from)) * 0.9)} y={HIGH - (count / most) * HIGH} height={(count / most) * HIGH}>
            <title>{`${formatNumber(from)} – ${formatNumber(to)}: ${formatCount(count)}`}</title>
          </rect>
        ))}
        <line class="limit" x1={x(threshold)} x2={x(threshold)} y1={0} y2={HIGH} />
      </svg>
      <p class="ends small muted">
        <span>{formatNumber(first.from)}</span>
        <span>{formatNumber(last.to)}</span>
      </p>
    </>
  );
}

export function Preview({ preview, before }: { preview: CalibrationPreview; before: number | null }) {
  const { threshold, windows, events } = preview;
  const words = t("calibrationWould", { threshold: formatNumber(threshold), windows: formatCount(windows) });
  return (
    <div class="outcome">
      <p>
        {words} {before !== null && <span class="muted">{t("thresholdNow", { threshold: formatNumber(before) })}</span>}
      </p>
      <Histogram preview={preview} label={words} />
      <p>{t("eventsWould", { n: formatCount(events) })}</p>
    </div>
  );
}
