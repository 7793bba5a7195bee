// Overview: what is wrong first, then counts, the default board and the devices.

import { useEffect } from "preact/hooks";
import { all } from "../../api/all.ts";
import { BASE, ROOT } from "../../api/root.ts";
import { graph } from "../../api/graph.ts";
import { follow, gathered } from "../../api/live.ts";
import { rows } from "../../api/rows.ts";
import { may } from "../../shell/session.ts";
import { useRequest } from "../../ui/request.ts";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { isPhone } from "../../ui/phone.ts";
import { t } from "../../words/index.ts";
import { Attention } from "./Attention.tsx";
import type { BoardView, ShownBoard } from "./Board.tsx";
import { type Change, RecentChanges } from "./RecentChanges.tsx";
import { defaultOf, firstValues, type NamedStream } from "./defaultBoard.ts";
import { DeviceCards, Figures } from "./Figures.tsx";
import { BOARD, BOARDS, CHANGED, DEVICES, EVENT_CHANGES, FIRST_STREAMS, HEALTH, INGEST, MODELS, OPEN_COUNTS, OPEN_EVENTS, SILENT, STATES } from "./queries.ts";
import type { OpenCount, OpenEvent, SilentStream } from "./types.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Milliseconds until what no subscription tells of is asked for anew. */
const REPEAT = 30_000;

function useDevices() {
  const request = useRequest(
    async (signal) => (may("device:read") ? (await graph(DEVICES, {}, signal)).devices : undefined),
    [],
    REPEAT,
  );
  useEffect(() => {
    if (!may("device:read")) return undefined;
    return follow(STATES, {}, gathered((all) => {
      const changes = new Map(all.map(({ deviceStates: { device, ...changed } }) => [device.rowId, changed]));
      request.change((known) => known && {
        ...known,
        nodes: known.nodes.map((row) => (changes.has(row.rowId) ? { ...row, status: { ...row.status, ...changes.get(row.rowId) } } : row)),
      });
    }), () => request.reload());
  }, []);
  return request;
}

function useOpenEvents() {
  const request = useRequest(async (signal) => {
    if (!may("event-log:read")) return undefined;
    const since = new Date(Date.now() - 24 * HOUR).toISOString();
    const [open, counts, changes] = await Promise.all([
      rows<OpenEvent>(OPEN_EVENTS, {}, signal),
      rows<OpenCount>(OPEN_COUNTS, {}, signal),
      rows<Change>(CHANGED, { since }, signal),
    ]);
    return { open, counts, changes };
  }, [], REPEAT);
  useEffect(() => {
    if (!may("event-log:read")) return undefined;
    return follow(EVENT_CHANGES, {}, request.reloadSoon, () => request.reload(), request.reload);
  }, []);
  return request;
}

/** Readings of each of the last sixty minutes, the one that is not over included. */
async function ingest(signal: AbortSignal): Promise<number[] | undefined> {
  if (!may("value:read")) return undefined;
  const to = Math.ceil(Date.now() / MINUTE) * MINUTE;
  const from = to - HOUR;
  const params = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  const counts = new Array<number>(60).fill(0);
  for (const { t: minute, n } of await rows<{ t: string; n: number }>(INGEST, params, signal)) {
    counts[Math.round((Date.parse(minute) - from) / MINUTE)] = n;
  }
  return counts;
}

async function silent(signal: AbortSignal): Promise<SilentStream[] | undefined> {
  if (!["value:read", "data:read", "device:read"].every(may)) return undefined;
  return rows<SilentStream>(SILENT, { since: new Date(Date.now() - HOUR).toISOString() }, signal);
}

interface DrawnBoard {
  board: ShownBoard;
  View: typeof BoardView;
}

/** Loads a board of the first values, for an organization that has no default one. */
async function loadFirstValues(signal: AbortSignal): Promise<ShownBoard> {
  const streams = await rows<NamedStream>(FIRST_STREAMS, {}, signal);
  return { uuid: "", name: t("live"), layout: firstValues(streams) };
}

/** Loads the default board, else the first values, and what draws it; null without any, undefined for who may not see what boards show. */
async function loadBoard(signal: AbortSignal): Promise<DrawnBoard | null | undefined> {
  if (!["device:read", "data:read", "value:read"].every(may)) return undefined;
  const boards = await all((after) => graph(BOARDS, { after }, signal).then(({ dashboards }) => dashboards));
  const shown = defaultOf(boards);
  const board: ShownBoard | null | undefined = shown ? (await graph(BOARD, { uuid: shown.uuid }, signal)).dashboard : await loadFirstValues(signal);
  if (!board || board.layout.length === 0) return null;
  return { board, View: (await import("./Board.tsx")).BoardView };
}

export default function Overview() {
  const devices = useDevices();
  const events = useOpenEvents();
  const quiet = useRequest(silent, [], REPEAT);
  const rate = useRequest(ingest, [], REPEAT);
  const models = useRequest(
    async (signal) => (["system:read", "data:read", "device:read"].every(may) ? (await graph(MODELS, {}, signal)).models : undefined),
    [],
    REPEAT,
  );
  const health = useRequest(async (signal) => (await graph(HEALTH, {}, signal)).health.checks, [], REPEAT);
  const board = useRequest(loadBoard, [], REPEAT);
  const parts = [devices, events, quiet, rate, models, health, board];
  const failed = parts.find((request) => request.error);
  // Each is undefined for who may not see it, and until it has come.
  const needed: [unknown, boolean][] = [[health.data, true], [devices.data, may("device:read")], [events.data, may("event-log:read")]];
  const isKnown = needed.every(([data, isAllowed]) => data !== undefined || !isAllowed);
  const attention = (
    <Attention
      devices={devices.data?.nodes ?? []}
      events={events.data?.open ?? []}
      silent={quiet.data ?? []}
      models={models.data?.nodes ?? []}
      checks={health.data ?? []}
      isKnown={failed === undefined && isKnown}
      changed={events.reload}
    />
  );
  const values = board.data && <board.data.View board={board.data.board} />;
  const cards = devices.data && devices.data.totalCount > 0 && <DeviceCards devices={devices.data.nodes} total={devices.data.totalCount} />;
  return (
    <div class="page overview-page">
      <Busy isBusy={parts.some((request) => request.isBusy)} />
      <h1>{t("overview")}</h1>
      <ErrorBox error={failed?.error} again={failed?.reload} />
      {isPhone.value && attention}
      <Figures devices={devices.data?.nodes} counts={rate.data} models={models.data?.nodes} open={events.data?.counts} />
      {/* A phone shows the values of the plant before its devices. */}
      {isPhone.value && values}
      <div class="overview-columns">
        <div>
          {!isPhone.value && attention}
          {cards}
          {devices.data?.totalCount === 0 && <FirstDevice />}
        </div>
        {events.data && <RecentChanges changes={events.data.changes} />}
      </div>
      {!isPhone.value && values}
    </div>
  );
}

/** Says what has to be done first with a new server. */
function FirstDevice() {
  return (
    <Empty title={t("noDevices")} note={t("noDevicesNote")}>
      {may("device:write") && (
        <a class="button primary" href={`${BASE}/devices/new`}>
          {t("newDevice")}
        </a>
      )}{" "}
      <a class="button" href={`${ROOT}/api/docs/`}>
        {t("restDocs")}
      </a>
    </Empty>
  );
}
