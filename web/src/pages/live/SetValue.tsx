// Sets the value of a stream: asks first, with what it is and what it will be. A write is never repeated by itself.

import { useState } from "preact/hooks";
import { graph } from "../../api/graph.ts";
import { useRequest } from "../../ui/request.ts";
import { Modal } from "../../ui/Modal.tsx";
import { OtherErrors, SelectField, TextField } from "../../ui/fields.tsx";
import { useForm } from "../../ui/form.ts";
import { formatNumber } from "../../ui/format.ts";
import { Busy, ErrorBox } from "../../ui/parts.tsx";
import { TARGET, WRITE } from "./queries.ts";
import { rawValue, type Target, writeInput } from "./target.ts";
import { t } from "./words.ts";

/** Content of the register, as a value of the stream. */
function confirmed({ scale, offset, unit }: Target, value: unknown): string {
  return typeof value === "number" ? `${formatNumber(value * scale + offset)} ${unit}`.trim() : String(value);
}

function WriteForm({ target, close }: { target: Target; close: () => void }) {
  const [written, setWritten] = useState<string>();
  const form = useForm({ text: target.type === "bit" ? "1" : "" }, async ({ text }) => {
    const raw = rawValue(target, text);
    if (raw === undefined) return [];
    setWritten(undefined);
    const { errors, value } = (await graph(WRITE, { input: writeInput(target, raw) })).writeRegister;
    if (errors.length === 0) setWritten(confirmed(target, value ?? raw));
    return errors;
  });
  const { values: { text }, errors } = form;
  const setText = (changed: string) => form.set({ text: changed });
  const raw = rawValue(target, text);
  const isScaled = target.scale !== 1 || target.offset !== 0;
  const before = target.latest === null ? "–" : target.latest.value === null ? (target.latest.text ?? "–") : formatNumber(target.latest.value);
  return (
    <form onSubmit={form.submit}>
      <dl class="facts">
        <dt>{t("device")}</dt>
        <dd>{target.device?.name}</dd>
        <dt>{t("path")}</dt>
        <dd class="mono">{target.path}</dd>
        <dt>{t("before")}</dt>
        <dd>
          {before} {target.unit}
        </dd>
      </dl>
      {target.type === "bit" ? (
        <SelectField name="value" label={t("newValue")} value={text} change={setText} options={[["1", "1"], ["0", "0"]]} errors={errors} />
      ) : (
        <TextField
          name="value"
          label={`${t("newValue")} ${target.unit && `[${target.unit}]`}`}
          value={text}
          change={setText}
          errors={errors}
          isNumber={target.type !== "text"}
        />
      )}
      {isScaled && raw !== undefined && <p class="muted small">{t("rawValue", { value: formatNumber(Number(raw)) })}</p>}
      <OtherErrors errors={errors} fields={["value"]} />
      <ErrorBox error={form.failure} />
      <p role="status">{written !== undefined && `✓ ${t("written", { value: written })}`}</p>
      <p class="links">
        <button class="primary" disabled={raw === undefined || form.isRunning}>
          {t("write")}
        </button>
        <button type="button" onClick={close}>
          {t("close")}
        </button>
      </p>
    </form>
  );
}

export function SetValue({ stream, close }: { stream: { id: number; name: string }; close: () => void }) {
  const { data, error, isBusy, reload } = useRequest(async (signal) => (await graph(TARGET, { id: stream.id }, signal)).stream, [stream.id]);
  return (
    <Modal title={t("setHead", { name: stream.name })} close={close}>
      <Busy isBusy={isBusy} />
      <ErrorBox error={error} again={reload} />
      {data && <WriteForm target={data} close={close} />}
      {!data && (
        <button type="button" onClick={close}>
          {t("close")}
        </button>
      )}
    </Modal>
  );
}
