// One board: shown, edited (`?edit`), or alone on a screen (`?kiosk`).

import { useEffect, useRef, useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { all } from "../../api/all.ts";
import { graph } from "../../api/graph.ts";
import { rows } from "../../api/rows.ts";
import { type ApiError, isAway } from "../../api/http.ts";
import type { Page } from "../../api/types.ts";
import { address, changeQuery } from "../../shell/router.ts";
import { may } from "../../shell/session.ts";
import { type Asked, useAsk } from "../../ui/ask.ts";
import { formatTime } from "../../ui/format.ts";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { Bar } from "./Bar.tsx";
import { Editor } from "./Editor.tsx";
import { Grid } from "./Grid.tsx";
import { BOARD_BY_ID, LATEST, STREAMS, shownStreams } from "./queries.ts";
import { RANGES, rangeOf } from "./range.ts";
import type { Board, BoardStream, Shared, Value } from "./types.ts";
import { streamsOf, type Widget } from "./widgets.ts";
import { t } from "./words.ts";

/** Values are asked for this often. */
const EVERY = 2000;
/** On a screen where nobody loads the page anew, the board and its streams are asked for this often. */
const KIOSK_EVERY = 30_000;

interface ShownStream extends Omit<BoardStream, "device"> {
  device_id: number;
  device: string;
  device_interval: number | null;
}

/** Streams by their UUIDs: those of a board, which are few, or all that a widget can have. */
async function loadStreams(shown: string[] | undefined, signal: AbortSignal): Promise<Map<string, BoardStream>> {
  if (shown) {
    const found = shown.length === 0 ? [] : await rows<ShownStream>(shownStreams(shown), {}, signal);
    return new Map(found.map(({ device_id, device, device_interval, ...stream }) => [stream.uuid, { ...stream, device: { rowId: device_id, name: device, pollInterval: device_interval } }]));
  }
  const streams = await all((after) => graph<{ streams: Page<BoardStream> }>(STREAMS, { after }, signal).then((answer) => answer.streams));
  return new Map(streams.map((stream) => [stream.uuid, stream]));
}

async function loadValues(ids: number[], signal: AbortSignal): Promise<Map<number, Value>> {
  if (ids.length === 0) return new Map();
  const { latestValues } = await graph<{ latestValues: Value[] }>(LATEST, { streams: ids.map(String) }, signal);
  return new Map(latestValues.map((value) => [value.streamRowId, value]));
}

/** What the widgets share: the streams that the reader sees, and the values of those that are shown. */
function useShared(widgets: Widget[], length: number, every: number, isEditing: boolean): { shared: Shared | undefined; asked: Asked<unknown>[] } {
  const shown = isEditing ? undefined : streamsOf(widgets);
  const streams = useAsk((signal) => loadStreams(shown, signal), [shown?.join(), every], every);
  const ids = streamsOf(widgets).flatMap((uuid) => streams.data?.get(uuid)?.rowId ?? []);
  const values = useAsk((signal) => loadValues(ids, signal), [ids.join()], EVERY);
  const shared = streams.data && { streams: streams.data, values: values.data ?? new Map<number, Value>(), length };
  return { shared, asked: [streams, values] as Asked<unknown>[] };
}

/** Without navigation, for a screen on a wall. */
function useKiosk(isKiosk: boolean) {
  useEffect(() => {
    document.documentElement.classList.toggle("kiosk", isKiosk);
    return () => document.documentElement.classList.remove("kiosk");
  }, [isKiosk]);
}

/** What is known stays on the screen while the server is away: since when is said once, and the rest heals by itself. */
function useLost(errors: (ApiError | undefined)[]): number | undefined {
  const since = useRef<number | undefined>(undefined);
  const isLost = errors.some(isAway);
  since.current = isLost ? (since.current ?? Date.now()) : undefined;
  return since.current;
}

export default function BoardPage({ id }: { id: string }) {
  const query = address.value.query;
  const range = rangeOf(query.get("range"));
  const isKiosk = query.has("kiosk");
  const isEditing = query.has("edit") && may("device:write");
  const every = isKiosk && !isEditing ? KIOSK_EVERY : 0;
  const board = useAsk(async (signal) => (await graph<{ dashboard: Board | null }>(BOARD_BY_ID, { uuid: id }, signal)).dashboard, [id, every], every);
  /** Widgets that are shown: those of the editor while there is one. */
  const [draft, setDraft] = useState<Widget[]>();
  const widgets = (isEditing ? draft : undefined) ?? board.data?.layout ?? [];
  const { shared, asked: parts } = useShared(widgets, RANGES[range][0], every, isEditing);
  const lostSince = useLost([board, ...parts].map(({ error }) => error));
  useKiosk(isKiosk && !isEditing);
  const leaveEditor = (saved?: Board) => {
    if (saved) board.change(() => saved);
    else board.ask();
    setDraft(undefined);
    changeQuery({ edit: null });
  };
  return (
    <div class="page board">
      <Busy isBusy={board.isBusy || parts.some((part) => part.isBusy)} />
      {!isKiosk && (
        <p>
          <a href={`${BASE}/boards`}>← {t("boards")}</a>
        </p>
      )}
      {isKiosk && lostSince !== undefined && (
        <p class="offline" role="status">
          {t("offline", { time: formatTime(lostSince, { hour: "2-digit", minute: "2-digit" }) })}
        </p>
      )}
      {[board, ...parts].map((part, index) => (
        <ErrorBox key={index} error={isKiosk && isAway(part.error) ? undefined : part.error} again={part.ask} />
      ))}
      {board.data === null && <Empty title={t("noSuchBoard")} />}
      {board.data && shared && isEditing && (
        <Editor key={board.data.documentVersion} board={board.data} shared={shared} widgets={widgets} change={setDraft} leave={leaveEditor} />
      )}
      {board.data && shared && !isEditing && (
        <>
          <Bar board={board.data} shared={shared} range={range} isKiosk={isKiosk} />
          {widgets.length === 0 ? <Empty title={t("boardEmpty")} note={t("boardEmptyNote")} /> : <Grid widgets={widgets} shared={shared} />}
        </>
      )}
    </div>
  );
}
