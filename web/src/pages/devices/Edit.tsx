// The settings of a device, changed; and its end, with what goes with it.

import { useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { checkErrors, graph } from "../../api/graph.ts";
import { rows } from "../../api/rows.ts";
import { navigate } from "../../shell/router.ts";
import { may } from "../../shell/session.ts";
import { useAction, useRequest } from "../../ui/request.ts";
import { DeleteDialog } from "../../ui/DeleteDialog.tsx";
import { OtherErrors } from "../../ui/fields.tsx";
import { useForm } from "../../ui/form.ts";
import { dateTime, formatCount } from "../../ui/format.ts";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { DeviceFields, fieldsOf } from "./DeviceFields.tsx";
import { deviceInput, draftOf, numberErrors } from "./draft.ts";
import { isKnown, type ProtocolName } from "./protocols.ts";
import { DELETE_DEVICE, DEVICE, STORED_READINGS, UPDATE_DEVICE } from "./queries.ts";
import type { DeviceFull } from "./types.ts";
import { t } from "./words.ts";

interface StoredReadings {
  n: number;
  first: string | null;
  last: string | null;
}

function DeletionNotice({ device }: { device: DeviceFull }) {
  const { data, error } = useRequest((signal) => rows<StoredReadings>(STORED_READINGS, { device: device.rowId }, signal), [device.rowId]);
  const stored = data?.[0];
  return (
    <>
      <ErrorBox error={error} />
      <p>{t("goesStreams")}</p>
      <p role="status">
        {stored &&
          (stored.first === null || stored.last === null
            ? t("goesNothing")
            : t("goesReadings", { n: formatCount(stored.n), from: dateTime(Date.parse(stored.first)), to: dateTime(Date.parse(stored.last)) }))}
      </p>
    </>
  );
}

function DeleteDevice({ device }: { device: DeviceFull }) {
  const [isAsked, setAsked] = useState(false);
  const action = useAction();
  const remove = async () => {
    checkErrors((await graph(DELETE_DEVICE, { id: device.rowId })).deleteDevice.errors);
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
          {may("value:read") && may("data:read") ? <DeletionNotice device={device} /> : <p>{t("goesStreams")}</p>}
          <ErrorBox error={action.error} />
        </DeleteDialog>
      )}
    </section>
  );
}

function Settings({ device, protocol }: { device: DeviceFull; protocol: ProtocolName }) {
  const form = useForm(
    () => draftOf(protocol, device),
    async (draft) => {
      const wrong = numberErrors(draft, t("noNumber"));
      if (wrong.length > 0) return wrong;
      const { errors } = (await graph(UPDATE_DEVICE, { id: device.rowId, input: deviceInput(draft, device.metadata) })).updateDevice;
      if (errors.length === 0) navigate(`/devices/${device.rowId}`);
      return errors;
    },
  );
  return (
    <form onSubmit={form.submit}>
      <DeviceFields draft={form.values} change={form.set} errors={form.errors} isKnown />
      <OtherErrors errors={form.errors} fields={fieldsOf(form.values)} />
      <ErrorBox error={form.failure} />
      <p class="links">
        <button class="primary" disabled={form.isRunning}>
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
  const { data, error, isBusy, reload } = useRequest(async (signal) => (await graph(DEVICE, { id: Number(id) }, signal)).device, [id]);
  return (
    <div class="page">
      <Busy isBusy={isBusy && !data} />
      <p class="crumb">
        <a href={`${BASE}/devices/${id}`}>← {data?.name ?? t("devices")}</a>
      </p>
      <ErrorBox error={error} again={reload} />
      {data === null && <Empty title={t("noSuchDevice")} />}
      {data && (
        <>
          <h1>{t("settingsOf", { name: data.name })}</h1>
          {!may("device:write") && <Empty title={t("forbidden")} note="device:write" />}
          {may("device:write") && isKnown(data.protocol) && <Settings key={id} device={data} protocol={data.protocol} />}
          {may("device:write") && !isKnown(data.protocol) && <p class="muted">{t("noForm", { protocol: data.protocol })}</p>}
          {may("device:write") && <DeleteDevice device={data} />}
        </>
      )}
    </div>
  );
}
