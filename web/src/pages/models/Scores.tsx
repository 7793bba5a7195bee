// Score and threshold over time, and the window under the cursor: what was, and what the model expected.

import { useEffect, useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { graph } from "../../api/graph.ts";
import type { ApiError } from "../../api/http.ts";
import { rows } from "../../api/rows.ts";
import type { Event } from "../../api/types.ts";
import { bandOf } from "../../chart/bands.ts";
import { type Range, stepFor, stepText } from "../../chart/levels.ts";
import { PlainChart } from "../../chart/PlainChart.tsx";
import { isLive, rangeText, type RangeText } from "../../chart/range.ts";
import { changeQuery } from "../../shell/router.ts";
import { may } from "../../shell/session.ts";
import { useRequest } from "../../ui/request.ts";
import { dateTime, duration, formatNumber } from "../../ui/format.ts";
import { Icon } from "../../ui/icons.tsx";
import { Busy, ErrorBox, LevelSign } from "../../ui/parts.tsx";
import { MODEL_EVENTS, SCORES, WINDOW } from "./queries.ts";
import type { Model } from "./types.ts";
import { COMMON, columnOf, extentsOf, movedRange, type ScoreRow } from "./view.ts";
import { t } from "./words.ts";

/** Buckets of a chart at most. */
const BUCKETS = 500;
/** Pointing passes many times; only where it rests the window is asked for. */
const REST = 150;
const REPEAT = 5000;

function RangeButtons({ text, range }: { text: RangeText; range: Range }) {
  const show = (next: RangeText) => changeQuery({ from: next.from, to: next.to }, false);
  const move = (share: number) => show(rangeText(movedRange(range, share, Date.now())));
  return (
    <div class="range-bar" role="group" aria-label={t("range")}>
      <div class="segmented">
        {COMMON.map((length) => (
          <button
            key={length}
            type="button"
            aria-pressed={isLive(text) && text.from === `now-${length}`}
            onClick={() => show({ from: `now-${length}`, to: "now" })}
          >
            {length}
          </button>
        ))}
        <button type="button" aria-label={t("back")} title={t("back")} onClick={() => move(-0.8)}>
          <Icon name="left" />
        </button>
        <button type="button" aria-label={t("forward")} title={t("forward")} onClick={() => move(0.8)}>
          <Icon name="right" />
        </button>
      </div>
    </div>
  );
}

/** A time that has rested. */
function useRested(time: number | undefined): number | undefined {
  const [rested, setRested] = useState(time);
  useEffect(() => {
    const timer = setTimeout(() => setRested(time), REST);
    return () => clearTimeout(timer);
  }, [time]);
  return rested;
}

/** Whether the refusal says that there is no whole window at a time. */
function isNone({ code, status }: ApiError): boolean {
  return status === 200 && (code === "INVALID" || code === "NOT_FOUND");
}

function WindowView({ model, at, newest }: { model: Model; at: number | undefined; newest: () => void }) {
  const rested = useRested(at);
  const { data, error, reload } = useRequest(
    async (signal) => {
      const variables = { id: model.rowId, at: rested === undefined ? null : new Date(rested).toISOString() };
      return (await graph(WINDOW, variables, signal)).model?.window;
    },
    [model.rowId, rested],
    rested === undefined ? REPEAT : 0,
  );
  const end = data?.timestamps.at(-1);
  const range = { from: Date.parse(data?.timestamps[0] ?? ""), to: Date.parse(end ?? "") };
  const { threshold } = model.version;
  return (
    <section aria-labelledby="window">
      <h2 id="window">{t("windowHead")}</h2>
      {error && isNone(error) ? <p class="muted">{t("noWindow")}</p> : <ErrorBox error={error} again={reload} />}
      {data && end && !error && (
        <>
          <p class="window-words">
            {t("windowAt", { time: dateTime(Date.parse(end)) })} {t("score")} <strong>{formatNumber(data.score)}</strong>
            {threshold !== null && threshold > 0 && ` ${t("timesThreshold", { times: formatNumber(Number((data.score / threshold).toPrecision(2))) })}`}
          </p>
          <p class="chart-words small muted">
            <span>
              <span class="key" aria-hidden="true" /> {t("actual")}
            </span>
            <span>
              <span class="key dashed" aria-hidden="true" /> {t("expected")}
            </span>
          </p>
          {model.sources.map(({ rowId, name, unit }, i) => {
            const { actual, expected } = columnOf(data, i);
            return (
              <div key={rowId}>
                <h3>
                  {may("value:read") ? <a href={`${BASE}/streams/${rowId}`}>{name}</a> : name} <span class="muted">{unit}</span>
                </h3>
                <PlainChart
                  range={range}
                  lines={[{ points: actual }, { points: expected, isDashed: true }]}
                  apart={Infinity}
                  height={140}
                  label={t("windowOf", { name })}
                />
              </div>
            );
          })}
        </>
      )}
      {at !== undefined && (
        <p class="links">
          <button type="button" onClick={newest}>
            {t("newestWindow")}
          </button>
        </p>
      )}
    </section>
  );
}

interface ScoresProps {
  model: Model;
  text: RangeText;
  range: Range;
  brush: Range | undefined;
  select: (range: Range) => void;
}

export function Scores({ model, text, range, brush, select }: ScoresProps) {
  const [cursor, setCursor] = useState<number>();
  const stream = model.scores?.rowId;
  const step = stepFor(range, BUCKETS);
  const { data, error, isBusy, reload } = useRequest(
    async (signal) => {
      if (stream === undefined) return [];
      const params = { step: stepText(step), stream, from: new Date(range.from).toISOString(), to: new Date(range.to).toISOString() };
      return rows<ScoreRow>(SCORES, params, signal);
    },
    [stream, text.from, text.to, Math.floor(range.to / REPEAT)],
  );
  const events = useRequest(
    async (signal) => (may("event-log:read") ? ((await graph(MODEL_EVENTS, { id: model.rowId }, signal)).model?.events.nodes ?? []) : []),
    [model.rowId],
    REPEAT,
  );
  const bands = (events.data ?? []).map((event) => bandOf(event, range.to)).filter(({ from, to }) => to >= range.from && from < range.to);
  return (
    <>
      <RangeButtons text={text} range={range} />
      <Busy isBusy={isBusy && !data} />
      <ErrorBox error={error ?? events.error} again={error ? reload : events.reload} />
      <div class="model-columns">
        <section aria-labelledby="scores">
          <h2 id="scores">{t("scoresHead")}</h2>
          <p class="chart-words small muted">
            <span>
              <span class="key" aria-hidden="true" /> {t("scoreOf", { score: model.version.score, step: duration(step) })}
            </span>
            {model.version.threshold !== null && (
              <span>
                <span class="key limit" aria-hidden="true" /> {t("threshold")} {formatNumber(model.version.threshold)}
              </span>
            )}
          </p>
          {data?.length === 0 && <p class="muted">{t("noScores")}</p>}
          <PlainChart
            range={range}
            extents={extentsOf(data ?? [], step)}
            apart={Math.max(3000 * model.version.interval, 1.5 * step)}
            limit={model.version.threshold}
            bands={bands}
            height={260}
            label={t("scoresLabel")}
            cursor={cursor}
            point={setCursor}
            brush={brush}
            select={select}
          />
          <p class="small muted">{t("scoresHelp")}</p>
          <Anomalies events={events.data ?? []} />
        </section>
        {may("value:read") && <WindowView model={model} at={cursor} newest={() => setCursor(undefined)} />}
      </div>
    </>
  );
}

function Anomalies({ events }: { events: Event[] }) {
  if (events.length === 0) return null;
  return (
    <>
      <h3>{t("anomalies")}</h3>
      <ul class="anomalies">
        {events.slice(0, 5).map((event) => (
          <li key={event.rowId}>
            <LevelSign level={event.level} /> <a href={`${BASE}/events/${event.rowId}`}>{dateTime(Date.parse(event.ts))}</a>{" "}
            {typeof event.payload["peak"] === "number" && <span class="muted">{t("peak", { value: formatNumber(event.payload["peak"]) })}</span>}
          </li>
        ))}
      </ul>
    </>
  );
}
