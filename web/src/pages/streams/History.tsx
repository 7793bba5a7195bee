// History of a stream: days with values, gaps, and how the values are distributed. Each is a named query of the server.

import { BASE } from "../../api/root.ts";
import { named } from "../../api/rows.ts";
import { isNumeric } from "../../api/types.ts";
import { address, changeQuery } from "../../shell/router.ts";
import { type RequestState, useRequest } from "../../ui/request.ts";
import { dateTime, duration, formatCount, formatNumber, formatTime } from "../../ui/format.ts";
import { Busy, ErrorBox } from "../../ui/parts.tsx";
import { beginOf, type Day, everyDay, LIMITS, type Limit, limitOf, SPANS, spanOf } from "./days.ts";
import type { StreamFull } from "./types.ts";
import { t } from "./words.ts";

interface Bin {
  from_value: number;
  to_value: number;
  n: number;
}

interface Gap {
  last_seen: string;
  next_seen: string;
  seconds: number;
}

/** Gaps that are listed. */
const MOST_GAPS = 50;
/** Readings are asked for again so often, milliseconds. */
const REPEAT = 60_000;

const dayText = (time: number) => formatTime(time, { timeZone: "UTC", year: "numeric", month: "2-digit", day: "2-digit" });
const percent = (share: number) => `${formatNumber(Math.round(share * 1000) / 10)} %`;

/** A bar for each day, with a mark below each that should have values and has none. */
function DayBars({ days }: { days: Day[] }) {
  const covered = days.filter(({ share }) => share > 0).length;
  const mean = days.reduce((sum, { share }) => sum + share, 0) / Math.max(1, days.length);
  const label = t("daysCovered", { covered: formatCount(covered), all: formatCount(days.length), share: percent(mean) });
  return (
    <>
      <p class="small muted">{label}</p>
      <svg class="day-bars" viewBox={`0 0 ${days.length} 40`} preserveAspectRatio="none" role="img" aria-label={label}>
        {days.map(({ time, share, isMissing }, i) => (
          <g key={time}>
            <title>{`${dayText(time)}: ${percent(share)}`}</title>
            <rect class="whole" x={i} width={0.85} y={0} height={36} />
            <rect x={i} width={0.85} y={36 - share * 36} height={share * 36} />
            {isMissing && <rect class="none" x={i} width={0.85} y={37} height={3} />}
          </g>
        ))}
      </svg>
      <p class="ends small muted">
        <span>{dayText((days[0] as Day).time)}</span>
        <span>{dayText((days.at(-1) as Day).time)}</span>
      </p>
    </>
  );
}

function GapTable({ gaps, stream }: { gaps: Gap[]; stream: StreamFull }) {
  if (gaps.length === 0) return <p class="muted">{t("noGaps")}</p>;
  const trend = ({ last_seen, next_seen, seconds }: Gap) => {
    const [from, to] = [Date.parse(last_seen) - seconds * 500, Date.parse(next_seen) + seconds * 500];
    return `${BASE}/trend?s=${stream.rowId}&from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`;
  };
  return (
    <>
      <div class="table-wrap" tabIndex={0} role="region" aria-label={t("gaps")}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("gapFrom")}</th>
              <th scope="col">{t("gapTo")}</th>
              <th scope="col" class="number">{t("gapLength")}</th>
            </tr>
          </thead>
          <tbody>
            {gaps.slice(0, MOST_GAPS).map((gap) => (
              <tr key={gap.last_seen}>
                <td class="nowrap">
                  {isNumeric(stream.type) ? <a href={trend(gap)}>{dateTime(Date.parse(gap.last_seen))}</a> : dateTime(Date.parse(gap.last_seen))}
                </td>
                <td class="nowrap">{dateTime(Date.parse(gap.next_seen))}</td>
                <td class="number">{duration(gap.seconds * 1000)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {gaps.length > MOST_GAPS && <p class="muted small">{t("shownOf", { shown: MOST_GAPS, total: formatCount(gaps.length) })}</p>}
    </>
  );
}

function Histogram({ bins, unit }: { bins: Bin[]; unit: string }) {
  const [first, last] = [bins[0], bins.at(-1)];
  if (!first || !last) return <p class="muted">{t("noData")}</p>;
  const most = Math.max(...bins.map(({ n }) => n));
  const width = (last.to_value - first.from_value) / 20 || 1;
  const place = ({ from_value }: Bin) => Math.round((from_value - first.from_value) / width);
  const of = ({ from_value, to_value }: Bin) => `${formatNumber(from_value)} – ${formatNumber(to_value)} ${unit}`;
  const peak = bins.find(({ n }) => n === most) as Bin;
  return (
    <>
      <svg class="day-bars" viewBox="0 0 20 40" preserveAspectRatio="none" role="img" aria-label={t("histogramOf", { range: of(peak), n: formatCount(most) })}>
        {bins.map((bin) => (
          <rect key={bin.from_value} x={bins.length === 1 ? 9 : place(bin)} width={0.9} y={40 - (bin.n / most) * 40} height={(bin.n / most) * 40}>
            <title>{`${of(bin)}: ${formatCount(bin.n)}`}</title>
          </rect>
        ))}
      </svg>
      <p class="ends small muted">
        <span>{formatNumber(first.from_value)}</span>
        <span>
          {formatNumber(last.to_value)} {unit}
        </span>
      </p>
      <details>
        <summary>{t("asNumbers")}</summary>
        <table class="narrow">
          <thead>
            <tr>
              <th scope="col">{t("value")}</th>
              <th scope="col" class="number">{t("count")}</th>
            </tr>
          </thead>
          <tbody>
            {bins.map((bin) => (
              <tr key={bin.from_value}>
                <td>{of(bin)}</td>
                <td class="number">{formatCount(bin.n)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  );
}

function Part<T>({ title, request, children }: { title: string; request: RequestState<T>; children: (data: T) => preact.ComponentChildren }) {
  return (
    <section>
      <h3>{title}</h3>
      <Busy isBusy={request.isBusy && request.data === undefined} />
      <ErrorBox error={request.error} again={request.reload} />
      {request.data !== undefined && children(request.data)}
    </section>
  );
}

function Choices({ span, limit }: { span: number; limit: Limit }) {
  return (
    <p class="filters">
      <label>
        <span>{t("range")}</span>
        <select value={span} onChange={(event) => changeQuery({ days: event.currentTarget.value })}>
          {SPANS.map((days) => (
            <option key={days} value={days}>
              {t(days === 1 ? "lastDay" : "lastDays", { days })}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>{t("gapsFrom")}</span>
        <select value={limit} onChange={(event) => changeQuery({ gap: event.currentTarget.value })}>
          {LIMITS.map((one) => (
            <option key={one} value={one}>
              {duration({ "1 minute": 60_000, "5 minutes": 300_000, "1 hour": 3_600_000, "1 day": 86_400_000 }[one])}
            </option>
          ))}
        </select>
      </label>
    </p>
  );
}

export function History({ stream }: { stream: StreamFull }) {
  const span = spanOf(address.value.query.get("days"));
  const limit = limitOf(address.value.query.get("gap"));
  const hasNumbers = isNumeric(stream.type);
  const params = () => ({ stream: stream.rowId, from: new Date(beginOf(span, Date.now())).toISOString() });
  const coverage = useRequest(
    async (signal) => (hasNumbers ? named<{ day: string; share: number }>("coverage", params(), signal) : []),
    [stream.rowId, span],
    REPEAT,
  );
  const gaps = useRequest((signal) => named<Gap>("gaps", { ...params(), longer_than: limit }, signal), [stream.rowId, span, limit], REPEAT);
  const bins = useRequest(async (signal) => (hasNumbers ? named<Bin>("histogram", params(), signal) : []), [stream.rowId, span], REPEAT);
  return (
    <section>
      <h2>{t("history")}</h2>
      <Choices span={span} limit={limit} />
      <div class="two">
        {hasNumbers && (
          <Part title={t("coverage")} request={coverage}>
            {(found) => <DayBars days={everyDay(found, Date.parse(stream.createdAt), beginOf(span, Date.now()), Date.now())} />}
          </Part>
        )}
        {hasNumbers && (
          <Part title={t("histogram")} request={bins}>
            {(found) => <Histogram bins={found} unit={stream.unit} />}
          </Part>
        )}
      </div>
      <Part title={t("gaps")} request={gaps}>
        {(found) => <GapTable gaps={found} stream={stream} />}
      </Part>
    </section>
  );
}
