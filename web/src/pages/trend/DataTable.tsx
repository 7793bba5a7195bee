// Table of what is drawn: for those who do not see the chart, and to read single numbers.

import type { Signal } from "@preact/signals";
import type { Range } from "../../chart/levels.ts";
import type { Marks } from "../../chart/marks.ts";
import type { MarksOf, Series } from "../../chart/series.ts";
import { dateTime, formatCount, formatNumber } from "../../ui/format.ts";
import { VirtualTable } from "../../ui/rows.tsx";
import { t } from "./words.ts";

interface Props {
  series: Series[];
  range: Signal<Range>;
  version: Signal<number>;
  marks: MarksOf;
}

interface Entry {
  series: Series;
  i: number;
  marks: Marks;
}

const HEIGHT = 28;

export function DataTable({ series, range, version, marks }: Props) {
  void version.value;
  const { from, to } = range.value;
  const entries: Entry[] = series.flatMap((one) => {
    const known = marks(one.stream.rowId, false);
    return known.start.flatMap((start, i) => (start >= from && start < to ? [{ series: one, i, marks: known }] : []));
  });
  entries.sort((a, b) => (a.marks.start[a.i] as number) - (b.marks.start[b.i] as number));
  const number = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? "–" : formatNumber(value));
  const head = (
    <tr>
      <th scope="col">{t("time")}</th>
      <th scope="col">{t("stream")}</th>
      {(["minimum", "mean", "maximum", "count", "withoutValue"] as const).map((word) => (
        <th scope="col" class="number" key={word}>
          {t(word)}
        </th>
      ))}
    </tr>
  );
  return (
    <VirtualTable
      rows={entries}
      height={HEIGHT}
      head={head}
      columns={7}
      label={t("trend")}
      row={({ series: one, i, marks: known }) => (
        <tr key={`${one.stream.rowId}/${known.start[i]}`}>
          <td>{dateTime(known.start[i] as number)}</td>
          <td>{one.stream.name}</td>
          <td class="number">{number(known.lo[i])}</td>
          <td class="number">{number(known.mean[i])}</td>
          <td class="number">{number(known.hi[i])}</td>
          <td class="number">{formatCount(known.n[i] as number)}</td>
          <td class="number">{formatCount(known.bad[i] as number)}</td>
        </tr>
      )}
    />
  );
}
