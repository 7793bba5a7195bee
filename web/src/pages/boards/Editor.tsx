// Editing a board: nothing is stored before it is saved, and nobody's work is saved over unasked.

import { useState } from "preact/hooks";
import { checkErrors, graph } from "../../api/graph.ts";
import { ApiError } from "../../api/http.ts";
import { freePlace } from "../../board/layout.ts";
import type { Board, BoardData } from "../../board/types.ts";
import { kindName } from "../../board/Widget.tsx";
import { type Config, type Kind, KINDS, newWidget, type Widget } from "../../board/widgets.ts";
import { navigate } from "../../shell/router.ts";
import { useAction } from "../../ui/request.ts";
import { Field } from "../../ui/Field.tsx";
import { Modal } from "../../ui/Modal.tsx";
import { Empty, ErrorBox } from "../../ui/parts.tsx";
import { EditGrid } from "./EditGrid.tsx";
import { BOARD_BY_ID, DELETE_BOARD, UPDATE_BOARD } from "./queries.ts";
import { Setup } from "./Setup.tsx";
import { t } from "./words.ts";

interface Props {
  board: Board;
  shared: BoardData;
  widgets: Widget[];
  change: (widgets: Widget[]) => void;
  /** Ends the editing, with the board as it was stored. */
  leave: (saved?: Board) => void;
}

/** Stores the board if nobody else has since `version`; undefined if somebody has. */
async function save(board: Board, input: { name: string; layout: Widget[] }, version: number): Promise<Board | undefined> {
  try {
    const { updateDashboard } = await graph(UPDATE_BOARD, { uuid: board.uuid, input, version });
    if (updateDashboard.errors.some(({ code }) => code === "CONFLICT")) return undefined;
    checkErrors(updateDashboard.errors);
    return updateDashboard.dashboard ?? undefined;
  } catch (error) {
    if (error instanceof ApiError && error.code === "CONFLICT") return undefined;
    throw error;
  }
}

function Conflict({ keep, show }: { keep: () => void; show: () => void }) {
  return (
    <div class="error-box" role="alert">
      <p>{t("conflict")}</p>
      <div class="links">
        <button type="button" onClick={keep}>
          {t("keepMine")}
        </button>
        <button type="button" onClick={show}>
          {t("seeTheirs")}
        </button>
      </div>
    </div>
  );
}

function Delete({ board, close }: { board: Board; close: () => void }) {
  const { run, error, isRunning } = useAction();
  const work = async () => {
    const { deleteDashboard } = await graph(DELETE_BOARD, { uuid: board.uuid });
    checkErrors(deleteDashboard.errors);
    navigate("/boards");
  };
  return (
    <Modal title={t("deleteBoard")} close={close}>
      <p>{t("deleteBoardAsk", { name: board.name, n: board.layout.length })}</p>
      <ErrorBox error={error} />
      <div class="links">
        <button type="button" class="danger" disabled={isRunning} onClick={() => run(work)}>
          {t("deleteBoard")}
        </button>
        <button type="button" onClick={close}>
          {t("cancel")}
        </button>
      </div>
    </Modal>
  );
}

export function Editor({ board, shared, widgets, change, leave }: Props) {
  const [name, setName] = useState(board.name);
  const [open, setOpen] = useState<Widget>();
  const [isDeleting, setDeleting] = useState(false);
  const [hasConflict, setConflict] = useState(false);
  const { run, error, isRunning } = useAction();
  const isChanged = name !== board.name || widgets !== board.layout;
  const store = (version: number) => async () => {
    const saved = await save(board, { name, layout: widgets }, version);
    if (saved) leave(saved);
    else setConflict(true);
  };
  const overwrite = async () => {
    const { dashboard } = await graph(BOARD_BY_ID, { uuid: board.uuid });
    if (!dashboard) throw new ApiError(t("noSuchBoard"), 404);
    await store(dashboard.documentVersion)();
  };
  const add = (kind: Kind) => {
    const [w, h] = KINDS[kind].size;
    const widget = newWidget(kind, widgets, freePlace(widgets, w, h));
    change([...widgets, widget]);
    if (kind !== "events") setOpen(widget);
  };
  const setUp = (config: Config) => {
    change(widgets.map((widget) => (widget.id === open?.id ? { ...widget, config } : widget)));
    setOpen(undefined);
  };
  return (
    <>
      <h1>{board.name}</h1>
      <div class="links board-bar">
        <Field label={t("name")}>
          <input value={name} maxLength={255} onInput={(event) => setName(event.currentTarget.value)} />
        </Field>
        <button type="button" class="primary" disabled={isRunning} onClick={() => run(store(board.documentVersion))}>
          {t("save")}
        </button>
        <button type="button" onClick={() => leave()}>
          {t("discard")}
        </button>
        <button type="button" class="danger" onClick={() => setDeleting(true)}>
          {t("deleteBoard")}
        </button>
        {isChanged && <span class="muted">{t("unsaved")}</span>}
      </div>
      {hasConflict && <Conflict keep={() => run(overwrite)} show={() => leave()} />}
      <ErrorBox error={error} />
      <div class="links" role="group" aria-label={t("addWidget")}>
        <span class="muted">{t("addWidget")}</span>
        {(Object.keys(KINDS) as Kind[]).map((kind) => (
          <button key={kind} type="button" onClick={() => add(kind)}>
            {kindName(kind)}
          </button>
        ))}
      </div>
      {widgets.length === 0 && <Empty title={t("boardEmpty")} />}
      <EditGrid widgets={widgets} change={change} setUp={setOpen} shared={shared} />
      {open && <Setup widget={open} shared={shared} close={() => setOpen(undefined)} done={setUp} />}
      {isDeleting && <Delete board={board} close={() => setDeleting(false)} />}
    </>
  );
}
