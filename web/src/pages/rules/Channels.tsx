// Notification channels: who is told of alerts, and whether that works.

import { useState } from "preact/hooks";
import { checkErrors, graph, type UserError } from "../../api/graph.ts";
import { may } from "../../shell/session.ts";
import { type Asked, useAction } from "../../ui/ask.ts";
import { Field, useFieldErrors } from "../../ui/Field.tsx";
import { Modal } from "../../ui/Modal.tsx";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { Delete } from "./Delete.tsx";
import { CREATE_CHANNEL, DELETE_CHANNEL, TEST_CHANNEL, UPDATE_CHANNEL } from "./queries.ts";
import { t } from "./words.ts";

export interface Channel {
  uuid: string;
  name: string;
  type: string;
  enabled: boolean;
  url: string | null;
  recipients: string[] | null;
  documentVersion: number;
}

type Errors = { errors: (UserError & { code: string })[] };

function ChannelForm({ channel, close, done }: { channel: Channel | undefined; close: () => void; done: () => void }) {
  const [name, setName] = useState(channel?.name ?? "");
  const [type, setType] = useState(channel?.type ?? "EMAIL");
  const [target, setTarget] = useState(channel ? (channel.url ?? channel.recipients?.join("\n") ?? "") : "");
  const [secret, setSecret] = useState("");
  const [enabled, setEnabled] = useState(channel?.enabled ?? true);
  const { run, error, isRunning } = useAction();
  const wrong = useFieldErrors();
  const isWebhook = type === "WEBHOOK";
  const work = async () => {
    const addresses = target.split(/[\s,;]+/).filter(Boolean);
    const own = isWebhook ? { url: target.trim(), ...(secret && { secret }) } : { recipients: addresses };
    const input = { name, type, enabled, ...own };
    const errors = channel
      ? (await graph<{ updateNotificationChannel: Errors }>(UPDATE_CHANNEL, { uuid: channel.uuid, input, version: channel.documentVersion })).updateNotificationChannel.errors
      : (await graph<{ createNotificationChannel: Errors }>(CREATE_CHANNEL, { input })).createNotificationChannel.errors;
    const isConflict = errors.some(({ code }) => code === "CONFLICT");
    if (!wrong.take(isConflict ? [{ field: null, message: t("conflict") }] : errors)) done();
  };
  return (
    <Modal title={channel ? t("editChannel", { name: channel.name }) : t("newChannel")} close={close}>
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
        <Field label={t("channelType")} error={wrong.of("type")}>
          <select value={type} disabled={channel !== undefined} onChange={(event) => setType(event.currentTarget.value)}>
            <option value="EMAIL">{t("typeEMAIL")}</option>
            <option value="WEBHOOK">{t("typeWEBHOOK")}</option>
          </select>
        </Field>
        {isWebhook ? (
          <>
            <Field label={t("webAddress")} error={wrong.of("url")}>
              <input type="url" value={target} maxLength={2000} onInput={(event) => setTarget(event.currentTarget.value)} />
            </Field>
            <Field label={t("secret")} hint={t("secretNote")} error={wrong.of("secret")}>
              <input type="password" autocomplete="off" value={secret} onInput={(event) => setSecret(event.currentTarget.value)} />
            </Field>
          </>
        ) : (
          <Field label={t("recipients")} error={wrong.of("recipients")}>
            <textarea value={target} spellcheck={false} onInput={(event) => setTarget(event.currentTarget.value)} />
          </Field>
        )}
        <label class="check">
          <input type="checkbox" checked={enabled} onChange={(event) => setEnabled(event.currentTarget.checked)} /> {t("enabled")}
        </label>
        {wrong.rest(["name", "type", "url", "secret", "recipients"])}
        <ErrorBox error={error} />
        <div class="buttons">
          <button class="primary" disabled={isRunning}>
            {channel ? t("save") : t("create")}
          </button>
          <button type="button" onClick={close}>
            {t("cancel")}
          </button>
        </div>
      </form>
    </Modal>
  );
}

function Row({ channel, edit, remove }: { channel: Channel; edit: () => void; remove: () => void }) {
  const [said, setSaid] = useState("");
  const { run, error, isRunning } = useAction();
  const test = async () => {
    setSaid("");
    const { testNotificationChannel } = await graph<{ testNotificationChannel: Errors & { success: boolean; error: string | null } }>(TEST_CHANNEL, { uuid: channel.uuid });
    checkErrors(testNotificationChannel.errors);
    setSaid(testNotificationChannel.success ? t("testOk") : t("testFailed", { why: testNotificationChannel.error ?? "" }));
  };
  return (
    <tr>
      <th scope="row">{channel.name}</th>
      <td>{channel.type === "WEBHOOK" ? t("typeWEBHOOK") : t("typeEMAIL")}</td>
      <td class="message">{channel.url ?? channel.recipients?.join(", ")}</td>
      <td>{channel.enabled ? t("on") : t("off")}</td>
      {may("device:write") && (
        <td>
          <div class="buttons-row">
            <button type="button" disabled={isRunning} aria-label={t("testChannel", { name: channel.name })} onClick={() => run(test)}>
              {t("test")}
            </button>
            <button type="button" aria-label={t("editChannel", { name: channel.name })} onClick={edit}>
              {t("edit")}
            </button>
            <button type="button" aria-label={t("deleteChannel", { name: channel.name })} onClick={remove}>
              {t("delete")}
            </button>
          </div>
          <span role="status">{said}</span>
          <ErrorBox error={error} />
        </td>
      )}
    </tr>
  );
}

type Open = { form: "edit"; channel?: Channel } | { form: "delete"; channel: Channel };

export function Channels({ asked }: { asked: Asked<Channel[]> }) {
  const [open, setOpen] = useState<Open>();
  const { data, error, isBusy, ask } = asked;
  const close = () => setOpen(undefined);
  const done = () => {
    close();
    ask();
  };
  const add = may("device:write") && (
    <button type="button" onClick={() => setOpen({ form: "edit" })}>
      {t("newChannel")}
    </button>
  );
  return (
    <section>
      <Busy isBusy={isBusy} />
      <h2>{t("channels")}</h2>
      <ErrorBox error={error} again={ask} />
      {data?.length === 0 && <Empty title={t("channelsNone")} note={t("channelsNoneNote")}>{add}</Empty>}
      {data && data.length > 0 && <p class="links">{add}</p>}
      {data && data.length > 0 && (
        <div class="table-wrap" tabIndex={0} role="region" aria-label={t("channels")}>
          <table>
            <thead>
              <tr>
                {(["name", "channelType", "target", "status"] as const).map((word) => (
                  <th scope="col" key={word}>
                    {t(word)}
                  </th>
                ))}
                {may("device:write") && <td />}
              </tr>
            </thead>
            <tbody>
              {data.map((channel) => (
                <Row key={channel.uuid} channel={channel} edit={() => setOpen({ form: "edit", channel })} remove={() => setOpen({ form: "delete", channel })} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {open?.form === "edit" && <ChannelForm channel={open.channel} close={close} done={done} />}
      {open?.form === "delete" && (
        <Delete title={t("deleteChannel", { name: open.channel.name })} note={t("deleteChannelAsk")} mutation={DELETE_CHANNEL} uuid={open.channel.uuid} close={close} done={done} />
      )}
    </section>
  );
}
