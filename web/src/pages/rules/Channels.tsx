// Notification channels: who is told of alerts, and whether that works.

import { useState } from "preact/hooks";
import { checkErrors, graph } from "../../api/graph.ts";
import { may } from "../../shell/session.ts";
import { type RequestState, useAction } from "../../ui/request.ts";
import { Field } from "../../ui/Field.tsx";
import { useForm } from "../../ui/form.ts";
import { FormDialog } from "../../ui/FormDialog.tsx";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { type Channel, channelInput, channelValues, type ChannelValues } from "./channel.ts";
import { Delete } from "./Delete.tsx";
import { CREATE_CHANNEL, DELETE_CHANNEL, TEST_CHANNEL, UPDATE_CHANNEL } from "./queries.ts";
import { refusals } from "./rule.ts";
import { t } from "./words.ts";


const FIELDS = ["name", "type", "url", "secret", "recipients"];

async function save(channel: Channel | undefined, values: ChannelValues) {
  const input = channelInput(values);
  if (!channel) return (await graph(CREATE_CHANNEL, { input })).createNotificationChannel.errors;
  return (await graph(UPDATE_CHANNEL, { uuid: channel.uuid, input, version: channel.documentVersion })).updateNotificationChannel.errors;
}

function ChannelForm({ channel, close, done }: { channel: Channel | undefined; close: () => void; done: () => void }) {
  const form = useForm(channelValues(channel), async (values) => {
    const errors = refusals(await save(channel, values), t("conflict"));
    if (errors.length === 0) done();
    return errors;
  });
  const { values, set, errorOf } = form;
  const title = channel ? t("editChannel", { name: channel.name }) : t("newChannel");
  return (
    <FormDialog title={title} form={form} fields={FIELDS} action={channel ? t("save") : t("create")} close={close}>
      <Field label={t("name")} error={errorOf("name")}>
        <input value={values.name} maxLength={255} autocomplete="off" onInput={(event) => set({ name: event.currentTarget.value })} />
      </Field>
      <Field label={t("channelType")} error={errorOf("type")}>
        <select value={values.type} disabled={channel !== undefined} onChange={(event) => set({ type: event.currentTarget.value as Channel["type"] })}>
          <option value="EMAIL">{t("typeEMAIL")}</option>
          <option value="WEBHOOK">{t("typeWEBHOOK")}</option>
        </select>
      </Field>
      {values.type === "WEBHOOK" ? (
        <>
          <Field label={t("webAddress")} error={errorOf("url")}>
            <input type="url" value={values.target} maxLength={2000} onInput={(event) => set({ target: event.currentTarget.value })} />
          </Field>
          <Field label={t("secret")} hint={t("secretNote")} error={errorOf("secret")}>
            <input type="password" autocomplete="off" value={values.secret} onInput={(event) => set({ secret: event.currentTarget.value })} />
          </Field>
        </>
      ) : (
        <Field label={t("recipients")} error={errorOf("recipients")}>
          <textarea value={values.target} spellcheck={false} onInput={(event) => set({ target: event.currentTarget.value })} />
        </Field>
      )}
      <label class="check">
        <input type="checkbox" checked={values.enabled} onChange={(event) => set({ enabled: event.currentTarget.checked })} /> {t("enabled")}
      </label>
    </FormDialog>
  );
}

function Row({ channel, edit, remove }: { channel: Channel; edit: () => void; remove: () => void }) {
  const [said, setSaid] = useState("");
  const { run, error, isRunning } = useAction();
  const test = async () => {
    setSaid("");
    const { testNotificationChannel } = await graph(TEST_CHANNEL, { uuid: channel.uuid });
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

export function Channels({ request }: { request: RequestState<Channel[]> }) {
  const [open, setOpen] = useState<Open>();
  const { data, error, isBusy, reload } = request;
  const close = () => setOpen(undefined);
  const done = () => {
    close();
    reload();
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
      <ErrorBox error={error} again={reload} />
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
        <Delete
          title={t("deleteChannel", { name: open.channel.name })}
          note={t("deleteChannelAsk")}
          mutation={DELETE_CHANNEL}
          uuid={open.channel.uuid}
          close={close}
          done={done}
        />
      )}
    </section>
  );
}
