// The list of boards.

import { useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { all } from "../../api/all.ts";
import { graph, type UserError } from "../../api/graph.ts";
import type { Page } from "../../api/types.ts";
import type { Board } from "../../board/types.ts";
import { navigate } from "../../shell/router.ts";
import { may } from "../../shell/session.ts";
import { useAction, useAsk } from "../../ui/ask.ts";
import { Field, useFieldErrors } from "../../ui/Field.tsx";
import { Modal } from "../../ui/Modal.tsx";
import { PageHead } from "../../ui/PageHead.tsx";
import { Age, Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { BOARDS, CREATE_BOARD } from "./queries.ts";
import { t } from "./words.ts";

type Listed = Pick<Board, "uuid" | "name" | "description" | "updatedAt" | "createdBy"> & { layout: { id: string }[] };

interface Made {
  createDashboard: { dashboard: { uuid: string } | null; errors: UserError[] };
}

function NewBoard({ close }: { close: () => void }) {
  const [name, setName] = useState("");
  const { run, error, isRunning } = useAction();
  const wrong = useFieldErrors();
  const work = async () => {
    const { createDashboard } = await graph<Made>(CREATE_BOARD, { input: { name, layout: [] } });
    if (wrong.take(createDashboard.errors) || !createDashboard.dashboard) return;
    navigate(`/boards/${createDashboard.dashboard.uuid}?edit`);
  };
  return (
    <Modal title={t("newBoard")} close={close}>
      <form
        class="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          run(work);
        }}
      >
        <Field label={t("name")} error={wrong.of("name")}>
          <input value={name} maxLength={255} autocomplete="off" onInput={(event) => setName(event.currentTarget.value)} />
        </Field>
        {wrong.rest(["name"])}
        <ErrorBox error={error} />
        <div class="buttons">
          <button class="primary" disabled={isRunning}>
            {t("create")}
          </button>
          <button type="button" onClick={close}>
            {t("cancel")}
          </button>
        </div>
      </form>
    </Modal>
  );
}

export default function Boards() {
  const { data, error, isBusy, ask } = useAsk(
    (signal) => all((after) => graph<{ dashboards: Page<Listed> }>(BOARDS, { after }, signal).then(({ dashboards }) => dashboards)),
    [],
  );
  const [isAdding, setAdding] = useState(false);
  const add = may("device:write") && (
    <button type="button" class="primary" onClick={() => setAdding(true)}>
      {t("newBoard")}
    </button>
  );
  return (
    <div class="page">
      <Busy isBusy={isBusy} />
      <PageHead title={t("boards")} count={data?.length}>
        {data && data.length > 0 && add}
      </PageHead>
      <ErrorBox error={error} again={ask} />
      {data?.length === 0 && (
        <Empty title={t("boardsNone")} note={t("boardsNoneNote")}>
          {add}
        </Empty>
      )}
      {data && data.length > 0 && (
          <ul class="cards boards">
            {data.map((board) => (
              <li key={board.uuid}>
                <a href={`${BASE}/boards/${board.uuid}`}>{board.name}</a>
                {board.description && <span>{board.description}</span>}
                <span class="small muted">
                  {t("widgets", { n: board.layout.length })}, <Age of={board.updatedAt} /> {board.createdBy && t("changedBy", { name: board.createdBy })}
                </span>
              </li>
            ))}
          </ul>
      )}
      {isAdding && <NewBoard close={() => setAdding(false)} />}
    </div>
  );
}
