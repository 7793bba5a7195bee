// One board: shown, edited (`?edit`), or alone on a screen (`?kiosk`).

import { useEffect, useState } from "preact/hooks";
import { all } from "../../api/all.ts";
import { graph } from "../../api/graph.ts";
import { rows } from "../../api/rows.ts";
import type { Page } from "../../api/types.ts";
import { address, changeQuery } from "../../shell/router.ts";
import { may } from "../../shell/session.ts";
import { type Asked, useAsk } from "../../ui/ask.ts";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { Editor } from "./Editor.tsx";
import { Grid } from "./Grid.tsx";
import { BOARD_BY_ID, LATEST, STREAMS, shownStreams } from "./queries.ts";
import type { Board, BoardStream, Shared, Value } from "./types.ts";
import { streamsOf, type Widget } from "./widgets.ts";
import { t } from "./words.ts";

const HOUR = 3_600_000;
const RANGES = { "1h": [HOUR, "hour1"], "8h": [8 * HOUR, "hours8"], "24h": [24 * HOUR, "hours24"], "7d": [168 * HOUR, "days7"] } as const;
type Range = keyof typeof RANGES;

/** Values are asked for this often. */
const EVERY = 2000;

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
function useShared(widgets: Widget[], length: number, isEditing: boolean): { shared: Shared | undefined; asked: Asked<unknown>[] } {
  const shown = isEditing ? undefined : streamsOf(widgets);
  const streams = useAsk((signal) => loadStreams(shown, signal), [shown?.join()]);
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

function Bar({ board, range, isKiosk }: { board: Board; range: Range; isKiosk: boolean }) {
  return (
    <div class="links board-bar">
      <h1>{board.name}</h1>
      <label class="small">
        {t("rangeOf")}{" "}
        <select value={range} onChange={(event) => changeQuery({ range: event.currentTarget.value })}>
          {(Object.keys(RANGES) as Range[]).map((one) => (
            <option key={one} value={one}>
              {t(RANGES[one][1])}
            </option>
          ))}
        </select>
      </label>
      {!isKiosk && may("device:write") && (
        <button type="button" onClick={() => changeQuery({ edit: "" }, false)}>
          {t("edit")}
        </button>
      )}
      <button type="button" onClick={() => changeQuery({ kiosk: isKiosk ? null : "" }, false)}>
        {isKiosk ? t("leaveKiosk") : t("kiosk")}
      </button>
    </div>
  );
}

export default function BoardPage({ id }: { id: string }) {
  const query = address.value.query;
  const asked = query.get("range") ?? "8h";
  const range: Range = asked in RANGES ? (asked as Range) : "8h";
  const isKiosk = query.has("kiosk");
  const isEditing = query.has("edit") && may("device:write");
  const board = useAsk(async (signal) => (await graph<{ dashboard: Board | null }>(BOARD_BY_ID, { uuid: id }, signal)).dashboard, [id]);
  /** Widgets that are shown: those of the editor while there is one. */
  const [draft, setDraft] = useState<Widget[]>();
  const widgets = (isEditing ? draft : undefined) ?? board.data?.layout ?? [];
  const { shared, asked: parts } = useShared(widgets, RANGES[range][0], isEditing);
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
          <a href="/ui/boards">← {t("boards")}</a>
        </p>
      )}
      {[board, ...parts].map((part, index) => (
        <ErrorBox key={index} error={part.error} again={part.ask} />
      ))}
      {board.data === null && <Empty title={t("noSuchBoard")} />}
      {board.data && shared && isEditing && (
        <Editor key={board.data.documentVersion} board={board.data} shared={shared} widgets={widgets} change={setDraft} leave={leaveEditor} />
      )}
      {board.data && shared && !isEditing && (
        <>
          <Bar board={board.data} range={range} isKiosk={isKiosk} />
          {widgets.length === 0 ? <Empty title={t("boardEmpty")} note={t("boardEmptyNote")} /> : <Grid widgets={widgets} shared={shared} />}
        </>
      )}
    </div>
  );
}
