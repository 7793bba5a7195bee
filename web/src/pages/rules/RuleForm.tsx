// The form of a rule, which can be tried on the past before it is saved.

import { useMemo } from "preact/hooks";
import { graph } from "../../api/graph.ts";
import { Field } from "../../ui/Field.tsx";
import { useForm } from "../../ui/form.ts";
import { FormDialog } from "../../ui/FormDialog.tsx";
import { useNarrowed } from "../../ui/narrow.tsx";
import { stateWord } from "../../ui/parts.tsx";
import type { Channel } from "./channel.ts";
import { EVALUATION_WORDS, OPERATOR_WORDS, SEVERITY_WORDS } from "./labels.ts";
import { DryRun } from "./DryRun.tsx";
import { CREATE_RULE, UPDATE_RULE } from "./queries.ts";
import {
  EVALUATIONS,
  formOf,
  inputOf,
  NEW_RULE,
  needsThreshold,
  needsWindow,
  operatorsOf,
  refusals,
  type Rule,
  type RuleForm as Form,
  type RuleInput,
  SEVERITIES,
  type Source,
  STATES,
} from "./rule.ts";
import { t } from "./words.ts";

const FIELDS = ["name", "severity", "evaluation", "operator", "threshold", "stream", "device", "windowSeconds", "cooldownSeconds"];

async function save(rule: Rule | undefined, input: RuleInput) {
  if (!rule) return (await graph(CREATE_RULE, { input })).createAlertRule.errors;
  return (await graph(UPDATE_RULE, { uuid: rule.uuid, input, version: rule.version })).updateAlertRule.errors;
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

/** Field for the source that the rule watches. `own` is the one that it watches already, which is there before the others are. */
function SourceField({ label, all, own, value, set, error }: {
  label: string;
  all: Source[];
  own: Source | null;
  value: string;
  set: (value: string) => void;
  error: string | undefined;
}) {
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
  errorOf: (field: string) => string | undefined;
}

function Condition({ form, set, rule, streams, devices, errorOf }: Props) {
  const { evaluation } = form;
  const operators = operatorsOf(evaluation);
  const isOfDevice = evaluation === "DEVICE_STATE";
  return (
    <>
      <Field label={t("evaluation")} error={errorOf("evaluation")}>
        <Choice
          value={evaluation}
          set={(value) => set({ evaluation: value as Form["evaluation"], threshold: value === "DEVICE_STATE" ? "offline" : form.threshold })}
          options={EVALUATIONS.map((one) => [one, t(EVALUATION_WORDS[one])])}
        />
      </Field>
      {isOfDevice ? (
        <SourceField
          key="device"
          label={t("device")}
          all={devices}
          own={rule?.device ?? null}
          value={form.device}
          set={(device) => set({ device })}
          error={errorOf("device")}
        />
      ) : (
        <SourceField
          key="stream"
          label={t("stream")}
          all={streams}
          own={rule?.stream ?? null}
          value={form.stream}
          set={(stream) => set({ stream })}
          error={errorOf("stream")}
        />
      )}
      {operators.length > 0 && (
        <Field label={t("operator")} error={errorOf("operator")}>
          <Choice
            value={operators.includes(form.operator) ? form.operator : "EQ"}
            set={(value) => set({ operator: value as Form["operator"] })}
            options={operators.map((one) => [one, t(OPERATOR_WORDS[one])])}
          />
        </Field>
      )}
      {needsThreshold(form) && (
        <Field label={t("threshold")} error={errorOf("threshold")}>
          {isOfDevice ? (
            <Choice value={form.threshold} set={(threshold) => set({ threshold })} options={STATES.map((state) => [state, stateWord(state)])} />
          ) : (
            <input value={form.threshold} onInput={(event) => set({ threshold: event.currentTarget.value })} />
          )}
        </Field>
      )}
      {needsWindow(evaluation) && (
        <Field label={t("window")} hint={t("windowNote")} error={errorOf("windowSeconds")}>
          <input value={form.window} inputMode="numeric" onInput={(event) => set({ window: event.currentTarget.value })} />
        </Field>
      )}
    </>
  );
}

function ChannelChoice({ form, set, channels }: { form: Form; set: (part: Partial<Form>) => void; channels: Channel[] }) {
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

/** The input that would be sent of a form, and what is wrong with it before. */
function checked(values: Form) {
  const words = { wrongThreshold: t("wrongThreshold"), wrongSeconds: t("wrongSeconds"), wrongStream: t("wrongStream"), wrongDevice: t("wrongDevice") };
  return inputOf(values, words);
}

export function RuleForm({ rule, streams, devices, channels, close, done }: FormProps) {
  const form = useForm(rule ? formOf(rule) : NEW_RULE, async (values) => {
    const { input, errors } = checked(values);
    if (errors.length > 0) return errors;
    const found = refusals(await save(rule, input), t("conflict"));
    if (found.length === 0) done();
    return found;
  });
  const { values, set, errorOf, refuse } = form;
  const tried = () => {
    const { input, errors } = checked(values);
    return refuse(errors) ? undefined : input;
  };
  const title = rule ? t("editRule", { name: rule.name }) : t("newRule");
  return (
    <FormDialog title={title} form={form} fields={FIELDS} action={rule ? t("save") : t("create")} close={close}>
      <Field label={t("name")} error={errorOf("name")}>
        <input value={values.name} maxLength={255} autocomplete="off" onInput={(event) => set({ name: event.currentTarget.value })} />
      </Field>
      <Condition form={values} set={set} rule={rule} streams={streams} devices={devices} errorOf={errorOf} />
      <Field label={t("severity")} error={errorOf("severity")}>
        <Choice
          value={values.severity}
          set={(value) => set({ severity: value as Form["severity"] })}
          options={SEVERITIES.map((one) => [one, t(SEVERITY_WORDS[one])])}
        />
      </Field>
      <Field label={t("cooldown")} error={errorOf("cooldownSeconds")}>
        <input value={values.cooldown} inputMode="numeric" onInput={(event) => set({ cooldown: event.currentTarget.value })} />
      </Field>
      <label class="check">
        <input type="checkbox" checked={values.autoResolve} onChange={(event) => set({ autoResolve: event.currentTarget.checked })} /> {t("autoResolve")}
      </label>
      <label class="check">
        <input type="checkbox" checked={values.enabled} onChange={(event) => set({ enabled: event.currentTarget.checked })} /> {t("enabled")}
      </label>
      <ChannelChoice form={values} set={set} channels={channels} />
      {values.evaluation !== "DEVICE_STATE" && <DryRun checked={tried} refuse={refuse} />}
    </FormDialog>
  );
}
