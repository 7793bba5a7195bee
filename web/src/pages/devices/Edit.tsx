// The settings of a device, changed; and its end, with what goes with it.

import { useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { checkErrors, graph, type UserError } from "../../api/graph.ts";
import { rows } from "../../api/rows.ts";
import { navigate } from "../../shell/router.ts";
import { may } from "../../shell/session.ts";
import { useAction, useAsk } from "../../ui/ask.ts";
import { DeleteDialog } from "../../ui/DeleteDialog.tsx";
import { OtherErrors } from "../../ui/fields.tsx";
import { dateTime, formatCount } from "../../ui/format.ts";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { DeviceFields, fieldsOf } from "./DeviceFields.tsx";
import { deviceInput, draftOf, numberErrors } from "./draft.ts";
import { isKnown, type ProtocolName } from "./protocols.ts";
import { DELETE_DEVICE, DEVICE, HELD, UPDATE_DEVICE } from "./queries.ts";
import type { DeviceFull } from "./types.ts";
import { t } from "./words.ts";

interface Held {
  n: number;
  first: string | null;
  last: string | null;
}

function Goes({ device }: { device: DeviceFull }) {
  const { data, error } = useAsk((signal) => rows<Held>(HELD, { device: device.rowId }, signal), [device.rowId]);
  const held = data?.[0];
  return (
    <>
      <ErrorBox error={error} />
      <p>{t("goesStreams")}</p>
      <p role="status">
        {held &&
          (held.first === null || held.last === null
            ? t("goesNothing")
            : t("goesReadings", { n: formatCount(held.n), from: dateTime(Date.parse(held.first)), to: dateTime(Date.parse(held.last)) }))}
      </p>
    </>
  );
}

function DeleteDevice({ device }: { device: DeviceFull }) {
  const [isAsked, setAsked] = useState(false);
  const action = useAction();
  const remove = async () => {
    checkErrors((await graph<{ deleteDevice: { errors: UserError[] } }>(DELETE_DEVICE, { id: device.rowId })).deleteDevice.errors);
    navigate("/devices");
  };
  return (
    <section>
      <h2>{t("deleteDevice")}</h2>
      <p class="links">
        <button type="button" onClick={() => setAsked(true)}>
          {t("deleteDevice")} …
        </button>
      </p>
      {isAsked && (
        <DeleteDialog title={t("deleteDevice")} name={device.name} remove={() => action.run(remove)} isRunning={action.isRunning} close={() => setAsked(false)}>
          {may("value:read") && may("data:read") ? <Goes device={device} /> : <p>{t("goesStreams")}</p>}
          <ErrorBox error={action.error} />
        </DeleteDialog>
      )}
    </section>
  );
}

function Form({ device, protocol }: { device: DeviceFull; protocol: ProtocolName }) {
  const [draft, setDraft] = useState(() => draftOf(protocol, device));
  const [errors, setErrors] = useState<UserError[]>([]);
  const action = useAction();
  const save = async () => {
    const wrong = numberErrors(draft, t("noNumber"));
    setErrors(wrong);
    if (wrong.length > 0) return;
    const input = deviceInput(draft, device.metadata);
    const { updateDevice } = await graph<{ updateDevice: { errors: UserError[] } }>(UPDATE_DEVICE, { id: device.rowId, input });
    setErrors(updateDevice.errors);
    if (updateDevice.errors.length === 0) navigate(`/devices/${device.rowId}`);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        action.run(save);
      }}
    >
      <DeviceFields draft={draft} change={(changes) => setDraft((known) => ({ ...known, ...changes }))} errors={errors} isKnown />
      <OtherErrors errors={errors} fields={fieldsOf(draft)} />
      <ErrorBox error={action.error} />
      <p class="links">
        <button class="primary" disabled={action.isRunning}>
          {t("save")}
        </button>
        <a class="button" href={`${BASE}/devices/${device.rowId}`}>
          {t("cancel")}
        </a>
      </p>
    </form>
  );
}

export default function EditDevice({ id }: { id: string }) {
  const { data, error, isBusy, ask } = useAsk(async (signal) => (await graph<{ device: DeviceFull | null }>(DEVICE, { id: Number(id) }, signal)).device, [id]);
  return (
    <div class="page">
      <Busy isBusy={isBusy && !data} />
      <p class="crumb">
        <a href={`${BASE}/devices/${id}`}>← {data?.name ?? t("devices")}</a>
      </p>
      <ErrorBox error={error} again={ask} />
      {data === null && <Empty title={t("noSuchDevice")} />}
      {data && (
        <>
          <h1>{t("settingsOf", { name: data.name })}</h1>
          {!may("device:write") && <Empty title={t("forbidden")} note="device:write" />}
          {may("device:write") && (isKnown(data.protocol) ? <Form key={id} device={data} protocol={data.protocol} /> : <p class="muted">{t("noForm", { protocol: data.protocol })}</p>)}
          {may("device:write") && <DeleteDevice device={data} />}
        </>
      )}
    </div>
  );
}
