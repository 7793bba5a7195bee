// Readout of what lies under the cursor, in words and numbers; and the events of the view as links.

import type { Signal } from "@preact/signals";
import { BASE } from "../../api/root.ts";
import { AXIS, RIGHT } from "../../chart/Chart.tsx";
import type { Band } from "../../chart/bands.ts";
import type { Range } from "../../chart/levels.ts";
import { type Marks, markAt } from "../../chart/marks.ts";
import type { MarksOf, Series } from "../../chart/series.ts";
import { dateTime, duration, formatCount, formatNumber } from "../../ui/format.ts";
import { t } from "./words.ts";

interface Props {
  series: Series[];
  range: Signal<Range>;
  version: Signal<number>;
  cursor: Signal<number | undefined>;
  /** How far before the view lies what it is compared with, milliseconds. */
  shift: () => number;
  marks: MarksOf;
}

/** A reading is under the cursor when it is no farther than so many pixels of a view a thousand wide. */
const NEAR = 8 / 1000;

interface RowProps {
  one: Series;
  marks: Marks;
  time: number;
  near: number;
  /** How far before its place in the view a mark was, milliseconds. */
  shift: number;
}

function Row({ one, marks, time, near, shift }: RowProps) {
  const i = markAt(marks, time, near);
  const { stream, style } = one;
  const name = (
    <th scope="row">
      <span class={`swatch dash-${style.dash}`} style={{ color: style.colour }} aria-hidden="true" /> {stream.name}
    </th>
  );
  if (i < 0) {
    return (
      <tr>
        {name}
        <td class="muted">{t("qualityNone")}</td>
      </tr>
    );
  }
  const [lo, hi, mean] = [marks.lo[i] as number, marks.hi[i] as number, marks.mean[i] as number];
  const [n, bad] = [marks.n[i] as number, marks.bad[i] as number];
  const [start, end] = [(marks.start[i] as number) - shift, (marks.end[i] as number) - shift];
  const value = Number.isNaN(mean) ? t("qualityBad") : `${formatNumber(mean)} ${stream.unit}`;
  return (
    <tr>
      {name}
      <td>
        <strong>{value}</strong>
        {end > start && !Number.isNaN(lo) && ` (${formatNumber(lo)} … ${formatNumber(hi)})`}
        {(marks.uncertain[i] as number) > 0 && ` ~ ${t("qualityUncertain")}`}
        <span class="muted small">
          {" "}
          {end > start ? t("bucketOf", { from: dateTime(start), step: duration(end - start) }) : dateTime(start)}
          {end > start && `, ${t("readingsOf", { n: formatCount(n + bad) })}`}
          {bad > 0 && end > start && `, ${t("badOf", { n: formatCount(bad) })}`}
        </span>
      </td>
    </tr>
  );
}

export function Readout({ series, range, version, cursor, marks, shift }: Props) {
  const time = cursor.value;
  // Read, so that it is drawn anew when something has come.
  void version.value;
  if (time === undefined) return null;
  const { from, to } = range.value;
  const share = Math.min(1, Math.max(0, (time - from) / (to - from)));
  const place = { left: `calc(${AXIS}px + (100% - ${AXIS + RIGHT}px) * ${share})` };
  return (
    <div class={share > 0.5 ? "readout on-left" : "readout"} style={place}>
      <p class="small">{dateTime(Math.round(time))}</p>
      <table>
        <tbody>
          {series.map((one) => (
            <Row
              key={`${one.stream.rowId}${one.isBefore}`}
              one={one}
              marks={marks(one.stream.rowId, one.isBefore)}
              time={time}
              near={(to - from) * NEAR}
              shift={one.isBefore ? shift() : 0}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const SIGNS = { info: "ℹ", warning: "▲", error: "◆", critical: "⬢" } as const;

/** A sign for each event above the charts, at its time; a link to the event. */
export function Chips({ bands, range }: { bands: Signal<Band[]>; range: Signal<Range> }) {
  const { from, to } = range.value;
  const shown = bands.value.filter((band) => band.to >= from && band.from <= to);
  if (shown.length === 0) return null;
  return (
    <div class="chips" style={{ marginLeft: `${AXIS}px`, marginRight: `${RIGHT}px` }}>
      {shown.map(({ event, from: begin }) => {
        const share = Math.min(1, Math.max(0, (begin - from) / (to - from)));
        const words = `${event.kind} ${dateTime(Date.parse(event.ts))} ${event.message}`;
        return (
          <a
            key={event.rowId}
            class={`chip level-${event.level}`}
            href={`${BASE}/events/${event.rowId}`}
            title={words}
            aria-label={words}
            style={{ left: `${share * 100}%` }}
          >
            {SIGNS[event.level]}
          </a>
        );
      })}
    </div>
  );
}
