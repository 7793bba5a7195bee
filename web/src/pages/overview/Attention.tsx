// List of what needs attention, the worst first, each with what can be done about it.

import type { ComponentChildren } from "preact";
import { BASE } from "../../api/root.ts";
import { checkErrors, graph } from "../../api/graph.ts";
import { may } from "../../shell/session.ts";
import { useAction } from "../../ui/request.ts";
import { now } from "../../ui/clock.ts";
import { duration, formatCount } from "../../ui/format.ts";
import { Age, ErrorBox, LevelSign, StateSign } from "../../ui/parts.tsx";
import { t } from "../../words/index.ts";
import type { Check, DeviceRow, ModelRow, OpenEvent, SilentStream } from "./types.ts";
import { ACKNOWLEDGE } from "./queries.ts";
import { type Rank, worstFirst } from "./rank.ts";

interface Props {
  devices: DeviceRow[];
  events: OpenEvent[];
  silent: SilentStream[];
  models: ModelRow[];
  checks: Check[];
  /** Whether everything was asked for, so that nothing means that all is well. */
  isKnown: boolean;
  changed: () => void;
}

/** Streams that are named; the others are counted. */
const NAMED = 8;
/** Devices and models that are listed, each; their own pages have them all. */
const LISTED = 20;

interface ItemProps {
  sign: ComponentChildren;
  rank: Rank;
  children: ComponentChildren;
  actions?: ComponentChildren;
}

function Item({ sign, rank, children, actions }: ItemProps) {
  return (
    <li class={`rank-${rank}`}>
      <span class="what">{sign}</span>
      <span class="words">{children}</span>
      <span class="actions">{actions}</span>
    </li>
  );
}

const rankOf = ({ level }: OpenEvent): Rank => (level === "info" ? "quiet" : level);

function EventItem({ event, changed }: { event: OpenEvent; changed: () => void }) {
  const { run, error, isRunning } = useAction();
  const acknowledge = async () => {
    const { updateEvent } = await graph(ACKNOWLEDGE, { id: String(event.id) });
    checkErrors(updateEvent.errors);
    changed();
  };
  const time = Date.parse(event.ts);
  const range = `from=${new Date(time - 1_800_000).toISOString()}&to=${new Date(time + 1_800_000).toISOString()}`;
  return (
    <Item
      sign={<LevelSign level={event.level} />}
      rank={rankOf(event)}
      actions={
        <>
          {event.stream_id !== null && may("value:read") && (
            <a class="button" href={`${BASE}/trend?s=${event.stream_id}&${range}`}>
              {t("trend")}
            </a>
          )}
          <a class="button" href={`${BASE}/events/${event.id}`}>
            {t("open")}
          </a>
          {may("event-log:write") && (
            <button type="button" disabled={isRunning} onClick={() => run(acknowledge)}>
              {t("acknowledge")}
            </button>
          )}
        </>
      }
    >
      <strong>{event.kind}</strong> {event.message} <span class="muted"><Age of={event.ts} /></span>
      <ErrorBox error={error} />
    </Item>
  );
}

function SilentItem({ streams }: { streams: SilentStream[] }) {
  return (
    <Item rank="quiet" sign={<span class="sign quality-uncertain" aria-hidden="true">~</span>}>
      <details>
        <summary>{streams.length === 1 ? t("silentStream") : t("silentStreams", { count: streams.length })}</summary>
        <p class="muted small">{t("silentNote")}</p>
        <ul class="names">
          {streams.slice(0, NAMED).map((stream) => (
            <li key={stream.id}>
              <a href={`${BASE}/trend?s=${stream.id}&from=now-7d&to=now`}>{stream.name}</a> <span class="muted">{stream.device}, <Age of={stream.ts} /></span>
            </li>
          ))}
          {streams.length > NAMED && <li class="muted">{t("shownOf", { shown: NAMED, total: streams.length })}</li>}
        </ul>
      </details>
    </Item>
  );
}

const deviceRank = ({ status }: DeviceRow): Rank => (status.state === "offline" ? "error" : "warning");

function DeviceItem({ device }: { device: DeviceRow }) {
  const { state, lastError, lastSeen } = device.status;
  return (
    <Item rank={deviceRank(device)} sign={<StateSign state={state} />} actions={<a class="button" href={`${BASE}/devices/${device.rowId}`}>{t("open")}</a>}>
      <strong>{device.name}</strong> {lastError}{" "}
      {lastSeen !== null && state === "offline" && <span class="muted">{t("lastSeen")}: {duration(now.value - Date.parse(lastSeen))}</span>}
    </Item>
  );
}

function ModelItem({ model }: { model: ModelRow }) {
  return (
    <Item
      rank="warning"
      sign={<span class="sign level-warning">▲ {t(model.status.state === "failed" ? "modelFails" : "modelAnomalous")}</span>}
      actions={
        model.scores && may("value:read") ? (
          <a class="button" href={`${BASE}/trend?s=${model.scores.rowId}&from=now-1h&to=now`}>
            {t("trend")}
          </a>
        ) : undefined
      }
    >
      <a href={`${BASE}/models/${model.rowId}`}>{model.device?.name}</a> {model.status.lastError}
    </Item>
  );
}

/** Links to those that are not listed. */
function OthersLink({ all, word, target }: { all: number; word: string; target: string }) {
  if (all <= LISTED) return null;
  return (
    <Item rank="quiet" sign={word} actions={<a class="button" href={target}>{t("open")}</a>}>
      {t("shownOf", { shown: LISTED, total: formatCount(all) })}
    </Item>
  );
}

function CheckItem({ check }: { check: Check }) {
  return (
    <Item rank="error" sign={<span class="sign level-error">◆ {t("serverCheck", { name: check.name })}</span>}>
      {check.error}
    </Item>
  );
}

/** Normal is quiet: one line. */
function AllWell() {
  return (
    <p class="all-well">
      <strong>✓ {t("allWell")}</strong> <span class="muted">{t("allWellNote")}</span>
    </p>
  );
}

export function Attention({ devices, events, silent, models, checks, isKnown, changed }: Props) {
  const wrong = devices.filter(({ status }) => status.state === "offline" || status.state === "degraded");
  wrong.sort((a, b) => b.status.state.localeCompare(a.status.state));
  const failing = checks.filter((check) => !check.ok);
  const troubled = models.filter(({ enabled, status }) => enabled && (status.state === "failed" || status.isAnomalous));
  const isAnyOffline = wrong.some(({ status }) => status.state === "offline");
  const count = failing.length + wrong.length + events.length + troubled.length + (silent.length > 0 ? 1 : 0);
  if (count === 0) return isKnown ? <AllWell /> : null;
  const entries: { rank: Rank; item: ComponentChildren }[] = [
    ...failing.map((check) => ({ rank: "error" as const, item: <CheckItem key={`c${check.name}`} check={check} /> })),
    ...wrong.slice(0, LISTED).map((device) => ({ rank: deviceRank(device), item: <DeviceItem key={`d${device.rowId}`} device={device} /> })),
    ...troubled.slice(0, LISTED).map((model) => ({ rank: "warning" as const, item: <ModelItem key={`m${model.rowId}`} model={model} /> })),
    ...events.map((event) => ({ rank: rankOf(event), item: <EventItem key={`e${event.id}`} event={event} changed={changed} /> })),
    { rank: "quiet", item: <OthersLink key="devices" all={wrong.length} word={t("devices")} target={`${BASE}/devices?state=${isAnyOffline ? "offline" : "degraded"}`} /> },
    { rank: "quiet", item: <OthersLink key="models" all={troubled.length} word={t("models")} target={`${BASE}/models`} /> },
    { rank: "quiet", item: silent.length > 0 && <SilentItem key="silent" streams={silent} /> },
  ];
  return (
    <section aria-labelledby="attention">
      <h2 id="attention">
        {t("attention")} <span class="count">{count}</span>
      </h2>
      <ul class="attention">{worstFirst(entries).map(({ item }) => item)}</ul>
    </section>
  );
}
