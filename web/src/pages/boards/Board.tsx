// One board: shown, edited (`?edit`), or alone on a screen (`?kiosk`).

import { useEffect, useRef, useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { graph } from "../../api/graph.ts";
import { type ApiError, isAway } from "../../api/http.ts";
import { Grid } from "../../board/Grid.tsx";
import { useBoardData } from "../../board/shared.ts";
import type { Board } from "../../board/types.ts";
import type { Widget } from "../../board/widgets.ts";
import { address, changeQuery } from "../../shell/router.ts";
import { may } from "../../shell/session.ts";
import { useRequest } from "../../ui/request.ts";
import { formatTime } from "../../ui/format.ts";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { Bar } from "./Bar.tsx";
import { BOARD_BY_ID } from "./queries.ts";
import { RANGES, rangeOf } from "./range.ts";
import { t } from "./words.ts";

/** On a screen where nobody loads the page anew, the board and its streams are asked for this often. */
const KIOSK_EVERY = 30_000;

/** Without navigation, for a screen on a wall. */
function useKiosk(isKiosk: boolean) {
  useEffect(() => {
    document.documentElement.classList.toggle("kiosk", isKiosk);
    return () => document.documentElement.classList.remove("kiosk");
  }, [isKiosk]);
}

/** The time since which the server is away, if it is. What is known stays on the screen: since when is said once, and the rest heals by itself. */
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
  const board = useRequest(async (signal) => (await graph(BOARD_BY_ID, { uuid: id }, signal)).dashboard as Board | null, [id, every], every);
  /** Widgets that are shown: those of the editor while there is one. */
  const [draft, setDraft] = useState<Widget[]>();
  const widgets = (isEditing ? draft : undefined) ?? board.data?.layout ?? [];
  const { shared, requests: parts } = useBoardData(widgets, RANGES[range][0], every, isEditing);
  /** Loaded when somebody edits. */
  const editor = useRequest(async () => (isEditing ? import("./Editor.tsx") : undefined), [isEditing]);
  const lostSince = useLost([board, ...parts].map(({ error }) => error));
  useKiosk(isKiosk && !isEditing);
  const leaveEditor = (saved?: Board) => {
    if (saved) board.change(() => saved);
    else board.reload();
    setDraft(undefined);
    changeQuery({ edit: null });
  };
  return (
    <div class="page board">
      <Busy isBusy={[board, editor, ...parts].some((part) => part.isBusy)} />
      {!isKiosk && (
        <p class="crumb">
          <a href={`${BASE}/boards`}>← {t("boards")}</a>
        </p>
      )}
      {isKiosk && lostSince !== undefined && (
        <p class="offline" role="status">
          {t("offline", { time: formatTime(lostSince, { hour: "2-digit", minute: "2-digit" }) })}
        </p>
      )}
      {[board, editor, ...parts].map((part, index) => (
        <ErrorBox key={index} error={isKiosk && isAway(part.error) ? undefined : part.error} again={part.reload} />
      ))}
      {board.data === null && <Empty title={t("noSuchBoard")} />}
      {board.data && shared && isEditing && editor.data && (
        <editor.data.Editor key={board.data.documentVersion} board={board.data} shared={shared} widgets={widgets} change={setDraft} leave={leaveEditor} />
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
