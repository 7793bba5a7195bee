// The settings of a model in its present version: its threshold, and how events begin and end.

import { graph } from "../../api/graph.ts";
import { CheckField, OtherErrors, TextField } from "../../ui/fields.tsx";
import { notNumbers, useForm } from "../../ui/form.ts";
import { parseNumber } from "../../ui/numbers.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import { UPDATE } from "./queries.ts";
import type { Model } from "./types.ts";
import { t } from "./words.ts";

const FIELDS = ["threshold", "clearRatio", "minWindows"] as const;

interface Props {
  model: Model;
  changed: () => void;
  /** Message about the last change: it outlives the form, which begins anew with what is stored. */
  said: string;
  tell: (said: string) => void;
}

/** Threshold and how events begin and end. */
export function ModelSettings({ model, changed, said, tell }: Props) {
  const { threshold, clearRatio, minWindows } = model.version;
  const initial = {
    threshold: threshold === null ? "" : String(threshold),
    clearRatio: String(clearRatio),
    minWindows: String(minWindows),
    enabled: model.enabled,
  };
  const form = useForm(initial, async ({ enabled, ...texts }) => {
    tell("");
    const numbers = {
      threshold: parseNumber(texts.threshold) ?? null,
      clearRatio: parseNumber(texts.clearRatio) ?? null,
      minWindows: parseNumber(texts.minWindows) ?? null,
    };
    const wrong = notNumbers(numbers, t("noNumber"));
    if (wrong.length > 0) return wrong;
    const { errors } = (await graph(UPDATE, { id: model.rowId, input: { ...numbers, enabled } })).updateModel;
    if (errors.length > 0) return errors;
    tell(t("saved"));
    changed();
    return [];
  });
  const { values, set, errors } = form;
  return (
    <section>
      <h2>{t("settings")}</h2>
      <form class="row-form" onSubmit={form.submit}>
        {FIELDS.map((name) => (
          <TextField key={name} name={name} label={t(name)} value={values[name]} change={(text) => set({ [name]: text })} errors={errors} isNumber />
        ))}
        <CheckField label={t("enabled")} value={values.enabled} change={(enabled) => set({ enabled })} />
        <p class="links">
          <button disabled={form.isRunning}>{t("save")}</button>
        </p>
        <OtherErrors errors={errors} fields={FIELDS} />
        <ErrorBox error={form.failure} />
        <p role="status">{said}</p>
      </form>
    </section>
  );
}
