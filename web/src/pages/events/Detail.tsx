// One event: everything it says, and the way to its trend.

import { BASE } from "../../api/root.ts";
import { graph } from "../../api/graph.ts";
import { bandOf } from "../../chart/bands.ts";
import { may } from "../../shell/session.ts";
import { useRequest } from "../../ui/request.ts";
import { dateTime } from "../../ui/format.ts";
import { Busy, Empty, ErrorBox, LevelSign } from "../../ui/parts.tsx";
import { AckForm } from "./AckForm.tsx";
import { EVENT_BY_ID } from "./queries.ts";
import { resolvedWords } from "./resolved.ts";
import type { EventRow } from "./types.ts";
import { t } from "./words.ts";

/** The trend around an event: as long again before and after, at least ten minutes. */
function trendOf(event: EventRow): string {
  const { from, to } = bandOf(event, Date.now());
  const around = Math.max(600_000, to - from);
  return `${BASE}/trend?s=${event.stream?.rowId}&from=${new Date(from - around).toISOString()}&to=${new Date(to + around).toISOString()}`;
}

/** A link is followed only where it leads to the web. */
function isWeb(url: string): boolean {
  return /^https?:\/\//i.test(url);
}

function Facts({ event }: { event: EventRow }) {
  const band = bandOf(event, Date.now());
  return (
    <dl class="facts">
      <dt>{t("time")}</dt>
      <dd>
        {dateTime(band.from)}
        {band.to > band.from && ` ${t("until")} ${dateTime(Math.round(band.to))}`}
      </dd>
      <dt>{t("level")}</dt>
      <dd>
        <LevelSign level={event.level} />
      </dd>
      <dt>{t("kind")}</dt>
      <dd>{event.kind}</dd>
      <dt>{t("source")}</dt>
      <dd>{event.source}</dd>
      <dt>{t("device")}</dt>
      <dd>{event.device ? <a href={`${BASE}/devices/${event.device.rowId}`}>{event.device.name}</a> : "–"}</dd>
      <dt>{t("stream")}</dt>
      <dd>{event.stream?.name ?? "–"}</dd>
      <dt>{t("status")}</dt>
      <dd>
        {event.acknowledged ? `✓ ${t("acknowledged")}` : t("onlyOpen")}
        {event.acknowledgedBy && ` ${t("acknowledgedBy", { name: event.acknowledgedBy })}`}
        {event.acknowledgedAt && `, ${dateTime(Math.floor(Date.parse(event.acknowledgedAt) / 1000) * 1000)}`}
        {resolvedWords(event) && ` · ${resolvedWords(event)}`}
      </dd>
      {event.note && (
        <>
          <dt>{t("note")}</dt>
          <dd class="widget-text">{event.note}</dd>
        </>
      )}
      {isWeb(event.url) && (
        <>
          <dt>{t("link")}</dt>
          <dd>
            <a href={event.url} rel="noreferrer" target="_blank">
              {event.url}
            </a>
          </dd>
        </>
      )}
    </dl>
  );
}

export default function EventDetail({ id }: { id: string }) {
  const { data, error, isBusy, reload } = useRequest(async (signal) => (await graph(EVENT_BY_ID, { id: Number(id) }, signal)).event, [id]);
  const payload = data ? Object.entries(data.payload) : [];
  return (
    <div class="page">
      <Busy isBusy={isBusy} />
      <p class="crumb">
        <a href={`${BASE}/events`}>← {t("events")}</a>
      </p>
      <ErrorBox error={error} again={reload} />
      {data === null && <Empty title={t("noSuchEvent")} />}
      {data && (
        <>
          <h1>{data.message || data.kind}</h1>
          <Facts event={data} />
          <p class="links">
            {data.stream && may("value:read") && (
              <a class="button" href={trendOf(data)}>
                {t("inTrend")}
              </a>
            )}
          </p>
          {!data.acknowledged && may("event-log:write") && <AckForm ids={[data.rowId]} label={t("acknowledge")} done={reload} />}
          {payload.length > 0 && (
            <section>
              <h2>{t("payload")}</h2>
              <dl class="facts">
                {payload.map(([name, value]) => (
                  <div key={name}>
                    <dt>{name}</dt>
                    <dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
                  </div>
                ))}
              </dl>
            </section>
          )}
        </>
      )}
    </div>
  );
}
