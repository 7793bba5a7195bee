// The form of a rule, which can be tried on the past before it is saved.

import { useMemo, useState } from "preact/hooks";
import { graph, type UserError } from "../../api/graph.ts";
import { useAction } from "../../ui/ask.ts";
import { Field, useFieldErrors } from "../../ui/Field.tsx";
import { Modal } from "../../ui/Modal.tsx";
import { useNarrowed } from "../../ui/narrow.tsx";
import { ErrorBox, stateWord } from "../../ui/parts.tsx";
import type { Channel } from "./Channels.tsx";
import { EVALUATION_WORDS, OPERATOR_WORDS, SEVERITY_WORDS } from "./labels.ts";
import { DryRun } from "./DryRun.tsx";
import { CREATE_RULE, UPDATE_RULE } from "./queries.ts";
import { EVALUATIONS, formOf, inputOf, NEW_RULE, needsThreshold, needsWindow, operatorsOf, type Rule, type RuleForm as Form, SEVERITIES, type Source, STATES } from "./rule.ts";
import { t } from "./words.ts";

const FIELDS = ["name", "severity", "evaluation", "operator", "threshold", "stream", "device", "windowSeconds", "cooldownSeconds"];

type Errors = { errors: (UserError & { code: string })[] };

async function save(rule: Rule | undefined, input: object): Promise<Errors["errors"]> {
  if (!rule) return (await graph<{ createAlertRule: Errors }>(CREATE_RULE, { input })).createAlertRule.errors;
  return (await graph<{ updateAlertRule: Errors }>(UPDATE_RULE, { uuid: rule.uuid, input, version: rule.version })).updateAlertRule.errors;
}

function Choice({ value, set, options, ...given }: { value: string; set: (value: string) => void; options: [string, string][] }) {
  return (
    <select {...given} value={value} onChange={(event) => set(event.currentTarget.value)}>
      {options.map(([id, words]) => (
        <option key={id} value={id}>
          {words}
        </option>
      ))}
    </select>
  );
}

const nameOf = ({ name, device }: Source) => (device ? `${name} (${device.name})` : name);
const named = (list: Source[]): [string, string][] => [["", t("choose")], ...list.map((one): [string, string] => [String(one.rowId), nameOf(one)])];

/** What the rule watches. `own` is what it watches already, which is there before the others are. */
function SourceField({ label, all, own, value, set, error }: { label: string; all: Source[]; own: Source | null; value: string; set: (value: string) => void; error: string | undefined }) {
  const list = useMemo(() => (own && !all.some(({ rowId }) => rowId === own.rowId) ? [own, ...all] : all), [all, own]);
  const { shown, search } = useNarrowed(list, nameOf, ({ rowId }) => String(rowId) === value);
  return (
    <>
      {search}
      <Field label={label} error={error}>
        <Choice value={value} set={set} options={named(shown)} />
      </Field>
    </>
  );
}

interface Props {
  form: Form;
  set: (part: Partial<Form>) => void;
  /** The rule before it is changed. */
  rule: Rule | undefined;
  streams: Source[];
  devices: Source[];
  wrong: ReturnType<typeof useFieldErrors>;
}

function Condition({ form, set, rule, streams, devices, wrong }: Props) {
  const { evaluation } = form;
  const operators = operatorsOf(evaluation);
  const isOfDevice = evaluation === "DEVICE_STATE";
  return (
    <>
      <Field label={t("evaluation")} error={wrong.of("evaluation")}>
        <Choice value={evaluation} set={(value) => set({ evaluation: value as Form["evaluation"], threshold: value === "DEVICE_STATE" ? "offline" : form.threshold })} options={EVALUATIONS.map((one) => [one, t(EVALUATION_WORDS[one])])} />
      </Field>
      {isOfDevice ? (
        <SourceField key="device" label={t("device")} all={devices} own={rule?.device ?? null} value={form.device} set={(device) => set({ device })} error={wrong.of("device")} />
      ) : (
        <SourceField key="stream" label={t("stream")} all={streams} own={rule?.stream ?? null} value={form.stream} set={(stream) => set({ stream })} error={wrong.of("stream")} />
      )}
      {operators.length > 0 && (
        <Field label={t("operator")} error={wrong.of("operator")}>
          <Choice value={operators.includes(form.operator) ? form.operator : "EQ"} set={(value) => set({ operator: value as Form["operator"] })} options={operators.map((one) => [one, t(OPERATOR_WORDS[one])])} />
        </Field>
      )}
      {needsThreshold(form) && (
        <Field label={t("threshold")} error={wrong.of("threshold")}>
          {isOfDevice ? (
            <Choice value={form.threshold} set={(threshold) => set({ threshold })} options={STATES.map((state) => [state, stateWord(state)])} />
          ) : (
            <input value={form.threshold} onInput={(event) => set({ threshold: event.currentTarget.value })} />
          )}
        </Field>
      )}
      {needsWindow(evaluation) && (
        <Field label={t("window")} hint={t("windowNote")} error={wrong.of("windowSeconds")}>
          <input value={form.window} inputMode="numeric" onInput={(event) => set({ window: event.currentTarget.value })} />
        </Field>
      )}
    </>
  );
}

function Told({ form, set, channels }: { form: Form; set: (part: Partial<Form>) => void; channels: Channel[] }) {
  const toggle = (uuid: string) => set({ channels: form.channels.includes(uuid) ? form.channels.filter((other) => other !== uuid) : [...form.channels, uuid] });
  return (
    <fieldset>
      <legend>{t("told")}</legend>
      {channels.length === 0 && <p class="muted small">{t("toldNone")}</p>}
      {channels.map((channel) => (
        <label class="check" key={channel.uuid}>
          <input type="checkbox" checked={form.channels.includes(channel.uuid)} onChange={() => toggle(channel.uuid)} /> {channel.name}
        </label>
      ))}
    </fieldset>
  );
}

interface FormProps {
  rule: Rule | undefined;
  streams: Source[];
  devices: Source[];
  channels: Channel[];
  close: () => void;
  done: () => void;
}

export function RuleForm({ rule, streams, devices, channels, close, done }: FormProps) {
  const [form, setForm] = useState(rule ? formOf(rule) : NEW_RULE);
  const { run, error, isRunning } = useAction();
  const wrong = useFieldErrors();
  const set = (part: Partial<Form>) => setForm({ ...form, ...part });
  /** What would be sent; undefined, and said at the fields, if something is wrong. */
  const checked = () => {
    const words = { wrongThreshold: t("wrongThreshold"), wrongSeconds: t("wrongSeconds"), wrongStream: t("wrongStream"), wrongDevice: t("wrongDevice") };
    const { input, errors } = inputOf(form, words);
    return wrong.take(errors) ? undefined : input;
  };
  const work = async () => {
    const input = checked();
    if (!input) return;
    const errors = await save(rule, input);
    const isConflict = errors.some(({ code }) => code === "CONFLICT");
    if (!wrong.take(isConflict ? [{ field: null, message: t("conflict") }] : errors)) done();
  };
  return (
    <Modal title={rule ? t("editRule", { name: rule.name }) : t("newRule")} close={close}>
      <form
        class="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          run(work);
        }}
      >
        <Field label={t("name")} error={wrong.of("name")}>
          <input value={form.name} maxLength={255} autocomplete="off" onInput={(event) => set({ name: event.currentTarget.value })} />
        </Field>
        <Condition form={form} set={set} rule={rule} streams={streams} devices={devices} wrong={wrong} />
        <Field label={t("severity")} error={wrong.of("severity")}>
          <Choice value={form.severity} set={(value) => set({ severity: value as Form["severity"] })} options={SEVERITIES.map((one) => [one, t(SEVERITY_WORDS[one])])} />
        </Field>
        <Field label={t("cooldown")} error={wrong.of("cooldownSeconds")}>
          <input value={form.cooldown} inputMode="numeric" onInput={(event) => set({ cooldown: event.currentTarget.value })} />
        </Field>
        <label class="check">
          <input type="checkbox" checked={form.autoResolve} onChange={(event) => set({ autoResolve: event.currentTarget.checked })} /> {t("autoResolve")}
        </label>
        <label class="check">
          <input type="checkbox" checked={form.enabled} onChange={(event) => set({ enabled: event.currentTarget.checked })} /> {t("enabled")}
        </label>
        <Told form={form} set={set} channels={channels} />
        {form.evaluation !== "DEVICE_STATE" && <DryRun checked={checked} take={wrong.take} />}
        {wrong.rest(FIELDS)}
        <ErrorBox error={error} />
        <div class="buttons">
          <button class="primary" disabled={isRunning}>
            {rule ? t("save") : t("create")}
          </button>
          <button type="button" onClick={close}>
            {t("cancel")}
          </button>
        </div>
      </form>
    </Modal>
  );
}
