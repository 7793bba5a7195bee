// A kiosk link: the address of a board with a key of its own, for a panel where nobody logs in. It is shown once.

import { useState } from "preact/hooks";
import { graph, type UserError } from "../../api/graph.ts";
import type { Board, Shared } from "../../board/types.ts";
import { linkOf } from "../../shell/panel.ts";
import { useAction } from "../../ui/ask.ts";
import { CopyButton } from "../../ui/CopyButton.tsx";
import { Field, useFieldErrors } from "../../ui/Field.tsx";
import { dateTime } from "../../ui/format.ts";
import { Modal } from "../../ui/Modal.tsx";
import { ErrorBox } from "../../ui/parts.tsx";
import { type ChosenStream, StreamChoice } from "../../ui/StreamChoice.tsx";
import { allowedStreams, defaultEnd, endOf, hasTable, keyName, scopesOf } from "./kiosk.ts";
import { KIOSK_KEY } from "./queries.ts";
import { t } from "./words.ts";

interface Made {
  createKey: { secret: string | null; errors: UserError[] };
}

interface Link {
  address: string;
  name: string;
  ends: string;
}

function Shown({ link, close }: { link: Link; close: () => void }) {
  return (
    <>
      <div class="secret" role="status">
        <p>{t("kioskOnce", { time: dateTime(Date.parse(link.ends)) })}</p>
        <code>{link.address}</code>
        <CopyButton text={link.address} label={t("copyLink")} />
      </div>
      <p class="small muted">{t("kioskRevoke", { name: link.name })}</p>
      <div class="buttons">
        <button type="button" onClick={close}>
          {t("close")}
        </button>
      </div>
    </>
  );
}

export function KioskLink({ board, shared, close }: { board: Board; shared: Shared; close: () => void }) {
  const [name, setName] = useState(keyName(t("kiosk"), board.name));
  const [end, setEnd] = useState(defaultEnd(new Date()));
  const [others, setOthers] = useState<ChosenStream[]>([]);
  const [link, setLink] = useState<Link>();
  const { run, error, isRunning } = useAction();
  const wrong = useFieldErrors();
  const work = async () => {
    const expiresAt = endOf(end);
    const missing = expiresAt === undefined ? [{ field: "expiresAt", message: t("endWanted") }] : [];
    if (wrong.take(missing) || expiresAt === undefined) return;
    const allowedData = allowedStreams(board.layout, shared.streams, others.map(({ rowId }) => rowId));
    const input = { name, scopes: scopesOf(board.layout), allowedDevices: null, allowedData, allowedDashboards: [board.rowId], expiresAt };
    const { createKey } = await graph<Made>(KIOSK_KEY, { input });
    if (wrong.take(createKey.errors) || createKey.secret === null) return;
    setLink({ address: linkOf(location.origin, board.uuid, createKey.secret), name, ends: expiresAt });
  };
  return (
    <Modal title={t("kioskLink")} close={close}>
      {link ? (
        <Shown link={link} close={close} />
      ) : (
        <form
          class="form"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            run(work);
          }}
        >
          <p>{t("kioskNote", { n: allowedStreams(board.layout, shared.streams).length })}</p>
          <Field label={t("keyName")} hint={t("keyNameNote")} error={wrong.of("name")}>
            <input value={name} maxLength={100} autocomplete="off" onInput={(event) => setName(event.currentTarget.value)} />
          </Field>
          <Field label={t("lastDay")} error={wrong.of("expiresAt")}>
            <input type="date" value={end} onInput={(event) => setEnd(event.currentTarget.value)} />
          </Field>
          {hasTable(board.layout) && (
            <>
              <p class="small muted">{t("tableNote")}</p>
              <StreamChoice label={t("tableStreams")} chosen={others} change={setOthers} />
            </>
          )}
          {wrong.rest(["name", "expiresAt"])}
          <ErrorBox error={error} />
          <div class="buttons">
            <button class="primary" disabled={isRunning}>
              {t("makeLink")}
            </button>
            <button type="button" onClick={close}>
              {t("cancel")}
            </button>
          </div>
        </form>
      )}
    </Modal>
  );
}
