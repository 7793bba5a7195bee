// The threshold is set from a range of healthy data, after it was seen what it would be and what it would have told.

import { useState } from "preact/hooks";
import { graph, type UserError } from "../../api/graph.ts";
import { ApiError, post } from "../../api/http.ts";
import type { Range } from "../../chart/levels.ts";
import { useAction } from "../../ui/ask.ts";
import { OtherErrors, TextField } from "../../ui/fields.tsx";
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

/** What is wrong with the input is told at its fields. */
async function preview(model: number, input: Input, take: (errors: UserError[]) => void): Promise<CalibrationPreview | undefined> {
  try {
    return await (await post(`/api/ai/model/${model}/calibrate/?dry_run=true`, input, "application/json")).json();
  } catch (error) {
    if (!(error instanceof ApiError) || error.fields.length === 0) throw error;
    take(error.fields);
    return undefined;
  }
}

const FIELDS = ["from", "to", "percentile"];

export function Calibrate({ model, brush, changed }: Props) {
  const bounds = useBounds(brush);
  const [percentile, setPercentile] = useState("99.5");
  const [errors, setErrors] = useState<UserError[]>([]);
  const [said, setSaid] = useState("");
  const [seen, setSeen] = useState<{ of: string; preview: CalibrationPreview }>();
  const action = useAction();
  const share = parseNumber(percentile);
  const typed = [bounds.from, bounds.to, percentile].join();
  /** What would be sent; undefined, and told at the fields, if something is wrong. */
  const inputOf = (): Input | undefined => {
    const { range } = bounds;
    const wrong = [...rangeErrors(range), ...(share === undefined || Number.isNaN(share) ? [{ field: "percentile", message: t("noNumber") }] : [])];
    setErrors(wrong);
    return range && wrong.length === 0 ? { from: written(range.from), to: written(range.to), percentile: share as number } : undefined;
  };
  const look = async () => {
    setSaid("");
    const input = inputOf();
    const found = input && (await preview(model.rowId, input, setErrors));
    setSeen(found && { of: typed, preview: found });
  };
  const set = async () => {
    const input = inputOf();
    if (!input) return;
    type Answer = { calibrateModel: { errors: UserError[]; threshold: number | null; windows: number | null } };
    const { calibrateModel } = await graph<Answer>(CALIBRATE, { id: model.rowId, ...input });
    setErrors(calibrateModel.errors);
    if (calibrateModel.threshold === null) return;
    setSeen(undefined);
    setSaid(t("calibrated", { threshold: formatNumber(calibrateModel.threshold), windows: formatCount(calibrateModel.windows ?? 0) }));
    changed();
  };
  // What is shown is of what is typed, else it is shown no more.
  const shown = seen?.of === typed ? seen.preview : undefined;
  return (
    <section aria-labelledby="calibrate">
      <h2 id="calibrate">{t("calibrateHead")}</h2>
      <p class="muted">{t("calibrateNote")}</p>
      <form
        class="row-form"
        onSubmit={(event) => {
          event.preventDefault();
          action.run(look);
        }}
      >
        <BoundFields bounds={bounds} errors={errors} />
        <TextField name="percentile" label={t("percentile")} value={percentile} change={setPercentile} errors={errors} isNumber />
        <p class="links">
          <button disabled={action.isRunning}>{t("calibratePreview")}</button>
          <span class="muted">{action.isRunning && t("computing")}</span>
        </p>
        <OtherErrors errors={errors} fields={FIELDS} />
        <ErrorBox error={action.error} />
        <p role="status">{said}</p>
      </form>
      {shown && (
        <>
          <Preview preview={shown} before={model.version.threshold} />
          <p class="links">
            <button type="button" class="primary" disabled={action.isRunning} onClick={() => action.run(set)}>
              {t("calibrate")}
            </button>
          </p>
        </>
      )}
    </section>
  );
}
