// A kiosk link: the address of a board with a key of its own, for a panel where nobody logs in. It is shown once.

import { useState } from "preact/hooks";
import { graph } from "../../api/graph.ts";
import type { Board, BoardData } from "../../board/types.ts";
import { linkOf } from "../../shell/panel.ts";
import { CopyButton } from "../../ui/CopyButton.tsx";
import { Field } from "../../ui/Field.tsx";
import { useForm } from "../../ui/form.ts";
import { FormBody } from "../../ui/FormDialog.tsx";
import { dateTime } from "../../ui/format.ts";
import { Modal } from "../../ui/Modal.tsx";
import { type ChosenStream, StreamChoice } from "../../ui/StreamChoice.tsx";
import { allowedStreams, defaultEnd, endOf, hasTable, keyName, scopesOf } from "./kiosk.ts";
import { KIOSK_KEY } from "./queries.ts";
import { t } from "./words.ts";

interface Link {
  address: string;
  name: string;
  ends: string;
}

function LinkNotice({ link, close }: { link: Link; close: () => void }) {
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

const FIELDS = ["name", "expiresAt"];

export function KioskLink({ board, shared, close }: { board: Board; shared: BoardData; close: () => void }) {
  const [link, setLink] = useState<Link>();
  const initial = () => ({ name: keyName(t("kiosk"), board.name), end: defaultEnd(new Date()), others: [] as ChosenStream[] });
  const form = useForm(initial, async ({ name, end, others }) => {
    const expiresAt = endOf(end);
    if (expiresAt === undefined) return [{ field: "expiresAt", message: t("endWanted") }];
    const allowedData = allowedStreams(board.layout, shared.streams, others.map(({ rowId }) => rowId));
    const input = { name, scopes: scopesOf(board.layout), allowedDevices: null, allowedData, allowedDashboards: [board.rowId], expiresAt };
    const { errors, secret } = (await graph(KIOSK_KEY, { input })).createKey;
    if (errors.length === 0 && secret !== null) setLink({ address: linkOf(location.origin, board.uuid, secret), name, ends: expiresAt });
    return errors;
  });
  const { values, set, errorOf } = form;
  return (
    <Modal title={t("kioskLink")} close={close}>
      {link ? (
        <LinkNotice link={link} close={close} />
      ) : (
        <FormBody form={form} fields={FIELDS} action={t("makeLink")} close={close}>
          <p>{t("kioskNote", { n: allowedStreams(board.layout, shared.streams).length })}</p>
          <Field label={t("keyName")} hint={t("keyNameNote")} error={errorOf("name")}>
            <input value={values.name} maxLength={100} autocomplete="off" onInput={(event) => set({ name: event.currentTarget.value })} />
          </Field>
          <Field label={t("lastDay")} error={errorOf("expiresAt")}>
            <input type="date" value={values.end} onInput={(event) => set({ end: event.currentTarget.value })} />
          </Field>
          {hasTable(board.layout) && (
            <>
              <p class="small muted">{t("tableNote")}</p>
              <StreamChoice label={t("tableStreams")} chosen={values.others} change={(others) => set({ others })} />
            </>
          )}
        </FormBody>
      )}
    </Modal>
  );
}
