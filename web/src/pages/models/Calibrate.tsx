// The threshold is set from a range of healthy data, after it was seen what it would be and what it would have told.

import { useState } from "preact/hooks";
import { graph, type UserError } from "../../api/graph.ts";
import { post } from "../../api/http.ts";
import type { Range } from "../../chart/levels.ts";
import { OtherErrors, TextField } from "../../ui/fields.tsx";
import { notNumbers, useForm } from "../../ui/form.ts";
import { formatCount, formatNumber } from "../../ui/format.ts";
import { parseNumber } from "../../ui/numbers.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import { BoundFields, rangeErrors, useBounds, written } from "./bounds.tsx";
import { type CalibrationPreview, Preview } from "./CalibrationPreview.tsx";
import { CALIBRATE } from "./queries.ts";
import type { Model } from "./types.ts";
import { t } from "./words.ts";

interface Props {
  model: Model;
  brush: Range | undefined;
  changed: () => void;
}

interface Input {
  from: string;
  to: string;
  percentile: number;
}

async function preview(model: number, input: Input): Promise<CalibrationPreview> {
  return (await post(`/api/ai/model/${model}/calibrate/?dry_run=true`, input, "application/json")).json();
}

const FIELDS = ["from", "to", "percentile"];

export function Calibrate({ model, brush, changed }: Props) {
  const bounds = useBounds(brush);
  const [said, setSaid] = useState("");
  const [seen, setSeen] = useState<{ of: string; preview: CalibrationPreview }>();
  /** The input that would be sent, or what is wrong with it. */
  const inputOf = (percentile: string): Input | UserError[] => {
    const { range } = bounds;
    const share = parseNumber(percentile) ?? NaN;
    const wrong = [...rangeErrors(range), ...notNumbers({ percentile: share }, t("noNumber"))];
    return range && wrong.length === 0 ? { from: written(range.from), to: written(range.to), percentile: share } : wrong;
  };
  const form = useForm({ percentile: "99.5" }, async ({ percentile }) => {
    setSaid("");
    const input = inputOf(percentile);
    if (Array.isArray(input)) return input;
    setSeen({ of: typed, preview: await preview(model.rowId, input) });
    return [];
  });
  const { percentile } = form.values;
  const typed = [bounds.from, bounds.to, percentile].join();
  const set = async () => {
    const input = inputOf(percentile);
    if (form.refuse(Array.isArray(input) ? input : []) || Array.isArray(input)) return;
    const { errors, threshold, windows } = (await graph(CALIBRATE, { id: model.rowId, ...input })).calibrateModel;
    form.refuse(errors);
    if (threshold === null) return;
    setSeen(undefined);
    setSaid(t("calibrated", { threshold: formatNumber(threshold), windows: formatCount(windows ?? 0) }));
    changed();
  };
  // What is shown is of what is typed, else it is shown no more.
  const shown = seen?.of === typed ? seen.preview : undefined;
  return (
    <section aria-labelledby="calibrate">
      <h2 id="calibrate">{t("calibrateHead")}</h2>
      <p class="muted">{t("calibrateNote")}</p>
      <form class="row-form" onSubmit={form.submit}>
        <BoundFields bounds={bounds} errors={form.errors} />
        <TextField
          name="percentile"
          label={t("percentile")}
          value={percentile}
          change={(changed) => form.set({ percentile: changed })}
          errors={form.errors}
          isNumber
        />
        <p class="links">
          <button disabled={form.isRunning}>{t("calibratePreview")}</button>
          <span class="muted">{form.isRunning && t("computing")}</span>
        </p>
        <OtherErrors errors={form.errors} fields={FIELDS} />
        <ErrorBox error={form.failure} />
        <p role="status">{said}</p>
      </form>
      {shown && (
        <>
          <Preview preview={shown} before={model.version.threshold} />
          <p class="links">
            <button type="button" class="primary" disabled={form.isRunning} onClick={() => form.run(set)}>
              {t("calibrate")}
            </button>
          </p>
        </>
      )}
    </section>
  );
}
