// The bar above a board: its name, the range of its charts, and what can be done with it.

import { useState } from "preact/hooks";
import { send } from "../../api/http.ts";
import type { Board, BoardData } from "../../board/types.ts";
import { panel } from "../../shell/panel.ts";
import { changeQuery } from "../../shell/router.ts";
import { may, me } from "../../shell/session.ts";
import { useAction, useRequest } from "../../ui/request.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import type { KioskLink } from "./KioskLink.tsx";
import { RANGES, type Range } from "./range.ts";
import { t } from "./words.ts";

/** Whether the reader may make keys: superusers may. */
async function maySend(signal: AbortSignal): Promise<boolean> {
  if (!me.value?.username) return false;
  const session = await (await send("/api/session/", { signal })).json();
  return session.user.is_superuser === true;
}

export function Bar({ board, shared, range, isKiosk }: { board: Board; shared: BoardData; range: Range; isKiosk: boolean }) {
  /** The dialog, which is loaded when somebody wants it. */
  const [Dialog, setDialog] = useState<typeof KioskLink>();
  const { run, error } = useAction();
  const openDialog = async () => {
    const module = await import("./KioskLink.tsx");
    setDialog(() => module.KioskLink);
  };
  const mayLink = useRequest(maySend, []).data === true;
  const isPanel = panel.value !== "none";
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
      {!isPanel && (
        <button type="button" onClick={() => changeQuery({ kiosk: isKiosk ? null : "" }, false)}>
          {isKiosk ? t("leaveKiosk") : t("kiosk")}
        </button>
      )}
      {!isKiosk && mayLink && (
        <button type="button" onClick={() => run(openDialog)}>
          {t("kioskLink")}
        </button>
      )}
      <ErrorBox error={error} />
      {Dialog && <Dialog board={board} shared={shared} close={() => setDialog(undefined)} />}
    </div>
  );
}
