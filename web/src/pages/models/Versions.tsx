// Versions of a model, and the settings of the present one.

import { useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { checkErrors, graph, type UserError } from "../../api/graph.ts";
import { useAction } from "../../ui/ask.ts";
import { CheckField, OtherErrors, TextField } from "../../ui/fields.tsx";
import { dateTime, formatCount, formatNumber } from "../../ui/format.ts";
import { parseNumber } from "../../ui/numbers.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import { may } from "../../shell/session.ts";
import { ROLL_BACK, UPDATE } from "./queries.ts";
import type { Model, ModelVersion } from "./types.ts";
import { t } from "./words.ts";

interface Props {
  model: Model;
  changed: () => void;
}

function VersionRow({ version, isCurrent, back }: { version: ModelVersion; isCurrent: boolean; back: (() => void) | undefined }) {
  return (
    <tr>
      <th scope="row">
        {version.number} {isCurrent && <span class="muted">({t("current")})</span>}
      </th>
      <td class="nowrap">{dateTime(Date.parse(version.createdAt))}</td>
      <td>{version.modelType}</td>
      <td class="number">{version.threshold === null ? "–" : formatNumber(version.threshold)}</td>
      <td class="nowrap">
        {version.model.name}, {version.scaler.name}
      </td>
      <td class="number">{formatCount(Math.ceil(Number(version.model.size) / 1000))} kB</td>
      <td>
        {back && (
          <button type="button" onClick={back} aria-label={t("rollBackTo", { version: version.number })}>
            {t("rollBack")}
          </button>
        )}
      </td>
    </tr>
  );
}

export function Versions({ model, changed }: Props) {
  const action = useAction();
  const back = async (version: number) => {
    checkErrors((await graph<{ rollBackModel: { errors: UserError[] } }>(ROLL_BACK, { id: model.rowId, version })).rollBackModel.errors);
    changed();
  };
  return (
    <section>
      <h2 id="versions">{t("versions")}</h2>
      <ErrorBox error={action.error} />
      <div class="table-wrap" tabIndex={0} role="region" aria-labelledby="versions">
        <table>
          <thead>
            <tr>
              <th scope="col">{t("version")}</th>
              <th scope="col">{t("uploaded")}</th>
              <th scope="col">{t("type")}</th>
              <th scope="col" class="number">{t("threshold")}</th>
              <th scope="col">{t("files")}</th>
              <th scope="col" class="number">{t("size")}</th>
              <td />
            </tr>
          </thead>
          <tbody>
            {model.versions.map((version) => {
              const isCurrent = version.number === model.version.number;
              const mayGo = !isCurrent && may("system:write") && !action.isRunning;
              return <VersionRow key={version.number} version={version} isCurrent={isCurrent} back={mayGo ? () => action.run(() => back(version.number)) : undefined} />;
            })}
          </tbody>
        </table>
      </div>
      {may("system:write") && model.device && (
        <p class="links">
          <a class="button" href={`${BASE}/models/new?model=${model.rowId}`}>
            {t("uploadVersion")}
          </a>
        </p>
      )}
    </section>
  );
}

interface SettingsProps extends Props {
  /** What was said of the last change: it outlives the form, which begins anew with what is stored. */
  said: string;
  tell: (said: string) => void;
}

/** Threshold and how events begin and end. */
export function ModelSettings({ model, changed, said, tell }: SettingsProps) {
  const { version } = model;
  const [threshold, setThreshold] = useState(version.threshold === null ? "" : String(version.threshold));
  const [clearRatio, setClearRatio] = useState(String(version.clearRatio));
  const [minWindows, setMinWindows] = useState(String(version.minWindows));
  const [enabled, setEnabled] = useState(model.enabled);
  const [errors, setErrors] = useState<UserError[]>([]);
  const action = useAction();
  const save = async () => {
    tell("");
    const numbers = { threshold: parseNumber(threshold) ?? null, clearRatio: parseNumber(clearRatio) ?? null, minWindows: parseNumber(minWindows) ?? null };
    const wrong = Object.entries(numbers).filter(([, value]) => Number.isNaN(value)).map(([field]) => ({ field, message: t("noNumber") }));
    setErrors(wrong);
    if (wrong.length > 0) return;
    const answer = await graph<{ updateModel: { errors: UserError[] } }>(UPDATE, { id: model.rowId, input: { ...numbers, enabled } });
    setErrors(answer.updateModel.errors);
    if (answer.updateModel.errors.length > 0) return;
    tell(t("saved"));
    changed();
  };
  return (
    <section>
      <h2>{t("settings")}</h2>
      <form
        class="row-form"
        onSubmit={(event) => {
          event.preventDefault();
          action.run(save);
        }}
      >
        <TextField name="threshold" label={t("threshold")} value={threshold} change={setThreshold} errors={errors} isNumber />
        <TextField name="clearRatio" label={t("clearRatio")} value={clearRatio} change={setClearRatio} errors={errors} isNumber />
        <TextField name="minWindows" label={t("minWindows")} value={minWindows} change={setMinWindows} errors={errors} isNumber />
        <CheckField label={t("enabled")} value={enabled} change={setEnabled} />
        <p class="links">
          <button disabled={action.isRunning}>{t("save")}</button>
        </p>
        <OtherErrors errors={errors} fields={["threshold", "clearRatio", "minWindows"]} />
        <ErrorBox error={action.error} />
        <p role="status">{said}</p>
      </form>
    </section>
  );
}
