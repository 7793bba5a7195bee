// Widgets that show a range of time: lines, and states.

import { type ApiError, isAway } from "../api/http.ts";
import { rows } from "../api/rows.ts";
import { seriesStyle } from "../chart/palette.ts";
import { isDark } from "../shell/theme.ts";
import { useRequest } from "../ui/request.ts";
import { formatNumber, shortTime } from "../ui/format.ts";
import { ErrorBox } from "../ui/parts.tsx";
import { apart, type Bucket, bandPath, bounds, linePath, stepOf, stretches } from "./paint.ts";
import { bucketsOf, CHANGES } from "./queries.ts";
import type { BoardStream } from "./types.ts";
import { t } from "./words.ts";

const WIDTH = 600;
const HEIGHT = 200;
/** More buckets than this are not seen in a widget. */
const MOST_BUCKETS = 240;

interface Answer {
  from: number;
  to: number;
  step: number;
  lines: { stream: BoardStream; buckets: Bucket[] }[];
}

async function loadLines(streams: BoardStream[], length: number, signal: AbortSignal): Promise<Answer> {
  const now = Date.now();
  const step = stepOf(now - length, now, MOST_BUCKETS);
  const [from, to] = [Math.floor((now - length) / step) * step, Math.ceil(now / step) * step];
  const params = { step: `${step / 1000} seconds`, from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  const found = await rows<{ stream_id: number; t: string; least: number; most: number; mean: number }>(
    bucketsOf(streams.map(({ rowId }) => rowId)),
    params,
    signal,
  );
  const of = (stream: BoardStream) => found.filter((row) => row.stream_id === stream.rowId).map(({ t, ...rest }) => ({ at: Date.parse(t), ...rest }));
  return { from, to, step, lines: streams.map((stream) => ({ stream, buckets: of(stream) })) };
}

/** Charts are looked at anew as often as their buckets are long, but no more than every five seconds. */
const EVERY = 5000;

/** While the server is away, what was drawn stays. */
function isKept(data: object | undefined, error: ApiError): boolean {
  return data !== undefined && isAway(error);
}

export function Lines({ streams, length }: { streams: BoardStream[]; length: number }) {
  const ids = streams.map(({ rowId }) => rowId).join();
  const { data, error, reload } = useRequest((signal) => loadLines(streams, length, signal), [ids, length], EVERY);
  const all = data?.lines.flatMap(({ buckets }) => buckets) ?? [];
  if (error && !isKept(data, error)) return <ErrorBox error={error} again={reload} />;
  if (!data) return null;
  if (all.length === 0) return <p class="muted">{t("noValue")}</p>;
  const [low, high] = bounds(all);
  const boxOf = ({ pollInterval, device, deadband }: BoardStream) => {
    const longest = apart(data.step, pollInterval ?? device?.pollInterval ?? null, deadband);
    return { from: data.from, to: data.to, low, high, width: WIDTH, height: HEIGHT, step: data.step, longest };
  };
  const names = streams.map(({ name }) => name).join(", ");
  return (
    <figure class="widget-chart" aria-label={`${names}: ${t("from", { low: formatNumber(low), high: formatNumber(high) })}`}>
      <div class="scale small muted">
        <span>{formatNumber(Number(high.toPrecision(3)))}</span>
        <span>{formatNumber(Number(low.toPrecision(3)))}</span>
      </div>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {data.lines.map(({ stream, buckets }, index) => {
          const { colour, dash } = seriesStyle(index, isDark.value);
          return (
            <g key={stream.rowId}>
              <path d={bandPath(buckets, boxOf(stream))} fill={colour} opacity="0.25" />
              <path
                d={linePath(buckets, boxOf(stream))}
                fill="none"
                stroke={colour}
                stroke-width="1.5"
                stroke-dasharray={dash ? `${dash}` : undefined}
                vector-effect="non-scaling-stroke"
              />
            </g>
          );
        })}
      </svg>
      <div class="ends small muted">
        <span>{shortTime(data.from, data.to)}</span>
        <span>{shortTime(data.to, data.to)}</span>
      </div>
      <figcaption class="small">
        {data.lines.map(({ stream }, index) => {
          const { colour, dash } = seriesStyle(index, isDark.value);
          return (
            <span key={stream.rowId}>
              <span class={`swatch dash-${dash}`} style={{ color: colour }} /> {stream.name}
              {stream.unit && ` ${stream.unit}`}
            </span>
          );
        })}
      </figcaption>
    </figure>
  );
}

async function loadStates(stream: BoardStream, length: number, signal: AbortSignal) {
  const to = Date.now();
  const from = to - length;
  const params = { stream: stream.rowId, from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  const found = await rows<{ ts: string; value: number | null; text: string | null }>(CHANGES, params, signal);
  const changes = found.map(({ ts, value, text }) => ({ at: Date.parse(ts), state: text ?? (value === null ? "" : formatNumber(value)) }));
  return { from, to, stretches: stretches(changes, from, to) };
}

export function States({ stream, length }: { stream: BoardStream; length: number }) {
  const { data, error, reload } = useRequest((signal) => loadStates(stream, length, signal), [stream.rowId, length], EVERY);
  if (error && !isKept(data, error)) return <ErrorBox error={error} again={reload} />;
  if (!data) return null;
  if (data.stretches.length === 0) return <p class="muted">{t("noValue")}</p>;
  const states = [...new Set(data.stretches.map(({ state }) => state))].filter((state) => state !== "").sort();
  const colour = (state: string) => seriesStyle(states.indexOf(state), isDark.value).colour;
  const x = (at: number) => ((at - data.from) / (data.to - data.from)) * WIDTH;
  return (
    <figure class="widget-chart states" aria-label={stream.name}>
      <svg viewBox={`0 0 ${WIDTH} 40`} preserveAspectRatio="none" aria-hidden="true">
        {data.stretches
          .filter(({ state }) => state !== "")
          .map(({ from, to, state }) => (
            <rect key={from} x={x(from)} width={Math.max(1, x(to) - x(from))} y={0} height={40} fill={colour(state)}>
              <title>{t("lastsFor", { state, from: shortTime(from, data.to), to: shortTime(to, data.to) })}</title>
            </rect>
          ))}
      </svg>
      <div class="ends small muted">
        <span>{shortTime(data.from, data.to)}</span>
        <span>{shortTime(data.to, data.to)}</span>
      </div>
      <figcaption class="small">
        {states.map((state) => (
          <span key={state}>
            <span class="swatch" style={{ color: colour(state) }} /> {state}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
