// Numbers of the visible range, computed by the server from all readings of it, one row a stream.

import type { Signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { numbers, sql } from "../../api/sql.ts";
import type { Range } from "../../chart/levels.ts";
import type { Series } from "../../chart/series.ts";
import { useRequest } from "../../ui/request.ts";
import { formatCount, formatNumber } from "../../ui/format.ts";
import { Icon } from "../../ui/icons.tsx";
import { ErrorBox } from "../../ui/parts.tsx";
import { t } from "./words.ts";
import { statisticsSql } from "./queries.ts";
import type { PictureWords } from "./picture.ts";
import { statementOf } from "./statement.ts";
import { ExportButtons } from "./ExportButtons.tsx";

interface Numbers {
  lo: number;
  hi: number;
  mean: number;
  rms: number;
  n: number;
  bad: number;
}

interface Props {
  series: Series[];
  range: Signal<Range>;
  /** Counts up when something new is drawn. */
  version: Signal<number>;
  /** How far before lies what is compared, milliseconds; undefined for no comparison. */
  shift: (() => number) | undefined;
  /** Whether the range goes on by itself. */
  isLive: boolean;
  /** Milliseconds of a bucket; undefined while every reading is drawn. */
  step: () => number | undefined;
  remove: (stream: number) => void;
  /** Words on a picture of the charts; undefined while they are not drawn. */
  picture: (() => PictureWords) | undefined;
}

async function load(ids: number[], { from, to }: Range, signal: AbortSignal): Promise<Map<number, Numbers>> {
  if (ids.length === 0) return new Map();
  const params = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  const table = await sql(statisticsSql(ids), params, signal);
  const columns = (["stream_id", "lo", "hi", "mean", "rms", "n", "bad"] as const).map((name) => numbers(table, name));
  const rows = Array.from({ length: table.numRows }, (_, row) => columns.map((column) => column[row] as number));
  return new Map(rows.map(([id = 0, lo = NaN, hi = NaN, mean = NaN, rms = NaN, n = 0, bad = 0]) => [id, { lo, hi, mean, rms, n, bad }]));
}

/** How much more one number is than another, with its sign. */
function signed(one: number | undefined, other: number | undefined): string {
  const difference = (one ?? NaN) - (other ?? NaN);
  return Number.isNaN(difference) ? "–" : `${difference > 0 ? "+" : ""}${formatNumber(difference)}`;
}

const shown = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? "–" : formatNumber(value));

const COLUMNS = ["minimum", "mean", "maximum", "rms", "count", "withoutValue"] as const;

interface RowProps {
  one: Series;
  found: Numbers | undefined;
  /** Numbers of the time before; false for no comparison. */
  before: Numbers | undefined | false;
  remove: (stream: number) => void;
}

function Row({ one: { stream, style }, found, before, remove }: RowProps) {
  return (
    <tr data-stream={stream.rowId}>
      <th scope="row">
        <span class={`swatch dash-${style.dash}`} style={{ color: style.colour }} aria-hidden="true" /> {stream.name}
        <span class="muted small"> {stream.device?.name}</span>
      </th>
      <td>{stream.unit}</td>
      {[found?.lo, found?.mean, found?.hi, found?.rms].map((value, i) => (
        <td class="number" key={i} data-exact={value}>
          {shown(value)}
        </td>
      ))}
      <td class="number">{formatCount(found?.n ?? 0)}</td>
      <td class="number">{formatCount(found?.bad ?? 0)}</td>
      {before !== false && <td class="number">{signed(found?.mean, before?.mean)}</td>}
      <td>
        <button
          type="button"
          class="icon-button"
          title={t("remove", { name: stream.name })}
          aria-label={t("remove", { name: stream.name })}
          onClick={() => remove(stream.rowId)}
        >
          <Icon name="close" />
        </button>
      </td>
    </tr>
  );
}

/** The range once it rests: after a gesture, or, where it goes on by itself, when it has moved by a visible part. */
function useRested(range: Range, isLive: boolean): Range {
  const [rested, setRested] = useState(range);
  useEffect(() => {
    const moved = Math.abs(range.to - rested.to) + Math.abs(range.to - range.from - (rested.to - rested.from));
    if (isLive && moved < (range.to - range.from) / 200) return undefined;
    const timer = setTimeout(() => setRested(range), 300);
    return () => clearTimeout(timer);
  }, [range, isLive]);
  return rested;
}

export function Statistics({ series, range, version, shift, isLive, step, remove, picture }: Props) {
  // Read, because the statement depends on what is drawn.
  void version.value;
  const rested = useRested(range.value, isLive);
  const ids = series.map(({ stream }) => stream.rowId);
  const inputs = [ids.join(), rested.from, rested.to];
  const { data, error, reload } = useRequest((signal) => load(ids, rested, signal), inputs);
  const back = shift?.() ?? 0;
  const before = useRequest(
    async (signal) => (back > 0 ? load(ids, { from: rested.from - back, to: rested.to - back }, signal) : undefined),
    [...inputs, back],
  );
  return (
    <div class="statistics">
      <h2 id="statistics">{t("statistics")}</h2>
      <ErrorBox error={error ?? before.error} again={error ? reload : before.reload} />
      <div class="table-wrap" tabIndex={0} role="region" aria-labelledby="statistics">
        <table>
          <thead>
            <tr>
              <th scope="col">{t("stream")}</th>
              <th scope="col">{t("unit")}</th>
              {[...COLUMNS, ...(back > 0 ? (["difference"] as const) : [])].map((word) => (
                <th scope="col" class="number" key={word}>
                  {t(word)}
                </th>
              ))}
              <td />
            </tr>
          </thead>
          <tbody>
            {series.map((one) => {
              const id = one.stream.rowId;
              return <Row key={id} one={one} found={data?.get(id)} before={back > 0 && before.data?.get(id)} remove={remove} />;
            })}
          </tbody>
        </table>
      </div>
      <ExportButtons statement={statementOf(ids, rested, step())} picture={picture} />
    </div>
  );
}
