// The list of boards.

import { useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { all } from "../../api/all.ts";
import { graph } from "../../api/graph.ts";
import { navigate } from "../../shell/router.ts";
import { may } from "../../shell/session.ts";
import { Field } from "../../ui/Field.tsx";
import { useForm } from "../../ui/form.ts";
import { FormDialog } from "../../ui/FormDialog.tsx";
import { PageHead } from "../../ui/PageHead.tsx";
import { Age, Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { useRequest } from "../../ui/request.ts";
import { BOARDS, CREATE_BOARD } from "./queries.ts";
import { t } from "./words.ts";

const FIELDS = ["name"];

function NewBoard({ close }: { close: () => void }) {
  const form = useForm({ name: "" }, async ({ name }) => {
    const { errors, dashboard } = (await graph(CREATE_BOARD, { input: { name, layout: [] } })).createDashboard;
    if (dashboard && errors.length === 0) navigate(`/boards/${dashboard.uuid}?edit`);
    return errors;
  });
  return (
    <FormDialog title={t("newBoard")} form={form} fields={FIELDS} action={t("create")} close={close}>
      <Field label={t("name")} error={form.errorOf("name")}>
        <input value={form.values.name} maxLength={255} autocomplete="off" onInput={(event) => form.set({ name: event.currentTarget.value })} />
      </Field>
    </FormDialog>
  );
}

export default function Boards() {
  const { data, error, isBusy, reload } = useRequest(
    (signal) => all((after) => graph(BOARDS, { after }, signal).then(({ dashboards }) => dashboards)),
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
      <ErrorBox error={error} again={reload} />
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
