// A model is uploaded: two files, its sources, and when its score is an anomaly. With `?model=` it is another version.

import { useEffect, useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { graph } from "../../api/graph.ts";
import { ApiError, send, type UserError } from "../../api/http.ts";
import { address, navigate } from "../../shell/router.ts";
import { may } from "../../shell/session.ts";
import { useAction, useRequest } from "../../ui/request.ts";
import { Field } from "../../ui/Field.tsx";
import { OtherErrors, SelectField, TextField } from "../../ui/fields.tsx";
import { errorOf } from "../../ui/form.ts";
import { formatCount } from "../../ui/format.ts";
import { Empty, ErrorBox } from "../../ui/parts.tsx";
import { type ChosenStream, StreamChoice } from "../../ui/StreamChoice.tsx";
import { MODEL } from "./queries.ts";
import type { Model } from "./types.ts";
import { FIELDS, textParts, type UploadFields, type UploadPreview } from "./upload.ts";
import { t } from "./words.ts";

const UPLOAD = "/api/ai/upload/";
const KINDS = [["cnn_ae", "CNN"], ["lstm_ae", "LSTM"], ["sisvae", "SISVAE"]] as const;
const SCORES = [["mse", "MSE"], ["mae", "MAE"], ["rmse", "RMSE"]] as const;
const BLANK: UploadFields = {
  name: "",
  device: "",
  kind: "cnn_ae",
  sources: [],
  interval: "1",
  score: "mse",
  threshold: "",
  clearRatio: "0.9",
  minWindows: "1",
  output: "",
};

function FileField({ name, label, accept, errors, choose }: {
  name: string;
  label: string;
  accept: string;
  errors: UserError[];
  choose: (file: File | undefined) => void;
}) {
  return (
    <Field label={label} error={errorOf(errors, name)}>
      <input type="file" accept={accept} required onChange={(event) => choose(event.currentTarget.files?.[0])} />
    </Field>
  );
}

function Preview({ preview }: { preview: UploadPreview }) {
  return (
    <div class="outcome" role="status">
      <p>{t("previewRead", { window: formatCount(preview.window), features: formatCount(preview.features) })}</p>
      <p class="muted">{t("previewOperators", { names: preview.operators.join(", ") })}</p>
      <p>{t("previewNothing")}</p>
    </div>
  );
}

/** Fields that a new version has in common with the one before it. */
function ofModel({ version, device }: Model): Partial<UploadFields> {
  return {
    device: String(device?.rowId ?? ""),
    kind: version.modelType,
    interval: String(version.interval),
    score: version.score,
    threshold: version.threshold === null ? "" : String(version.threshold),
    clearRatio: String(version.clearRatio),
    minWindows: String(version.minWindows),
  };
}

/** A source of the model before, as somebody would have chosen it. */
function chosenOf(source: Model["sources"][number]): ChosenStream {
  return { ...source, type: "fp64", device: source.device && { rowId: 0, name: source.device.name } };
}

function Form({ before }: { before: Model | null }) {
  const [fields, setFields] = useState<UploadFields>({ ...BLANK, ...(before && ofModel(before)) });
  const [sources, setSources] = useState(() => (before?.sources ?? []).map(chosenOf));
  const [files, setFiles] = useState<{ model?: File; scaler?: File }>({});
  const [errors, setErrors] = useState<UserError[]>([]);
  const action = useAction();
  const set = (name: keyof UploadFields) => (value: string) => setFields((known) => ({ ...known, [name]: value }));
  const [preview, setPreview] = useState<UploadPreview>();
  // What was read of other files, or for other sources, is no preview.
  useEffect(() => setPreview(undefined), [fields, sources, files]);
  const sendForm = async <T,>(path: string): Promise<T | undefined> => {
    const form = new FormData();
    for (const [name, text] of textParts({ ...fields, sources: sources.map(({ rowId }) => rowId) })) form.append(name, text);
    if (files.model) form.append("model", files.model);
    if (files.scaler) form.append("scaler", files.scaler);
    setErrors([]);
    try {
      return await (await send(path, { method: "POST", body: form })).json();
    } catch (error) {
      if (!(error instanceof ApiError) || error.fields.length === 0) throw error;
      setErrors(error.fields);
      return undefined;
    }
  };
  const check = async () => setPreview(await sendForm<UploadPreview>(`${UPLOAD}?dry_run=true`));
  const upload = async () => {
    const made = await sendForm<{ id: number }>(UPLOAD);
    if (made) navigate(`/models/${made.id}`);
  };
  const text = (name: keyof UploadFields & string, rest: string, label: string, hint?: string, isNumber = true) => (
    <TextField name={rest} label={label} value={fields[name] as string} change={set(name)} errors={errors} hint={hint} isNumber={isNumber} />
  );
  return (
    <form
      class="upload"
      onSubmit={(event) => {
        event.preventDefault();
        action.run(check);
      }}
    >
      <fieldset class="group">
        <legend>{t("filesHead")}</legend>
        <div class="fields">
          {!before && text("name", "name", t("name"), t("nameHint"), false)}
          <FileField
            name="model"
            label={t("modelFile")}
            accept=".tflite"
            errors={errors}
            choose={(file) => setFiles((known) => ({ ...known, ...(file && { model: file }) }))}
          />
          <FileField
            name="scaler"
            label={t("scalerFile")}
            accept=".joblib,.pkl"
            errors={errors}
            choose={(file) => setFiles((known) => ({ ...known, ...(file && { scaler: file }) }))}
          />
          <SelectField name="model_type" label={t("type")} value={fields.kind} change={set("kind")} options={KINDS} errors={errors} />
        </div>
      </fieldset>
      <StreamChoice label={t("sourcesHead")} chosen={sources} change={setSources} />
      {errors.filter(({ field }) => field === "source").map(({ message }) => (
        <p key={message} class="error-text" role="alert">
          {message}
        </p>
      ))}
      <fieldset class="group">
        <legend>{t("scoreHead")}</legend>
        <div class="fields">
          {text("interval", "interval", t("intervalSeconds"))}
          <SelectField name="score" label={t("score")} value={fields.score} change={set("score")} options={SCORES} errors={errors} />
          {text("threshold", "threshold", t("threshold"), t("thresholdHint"))}
          {text("clearRatio", "clear_ratio", t("clearRatio"))}
          {text("minWindows", "min_windows", t("minWindows"))}
          {text("output", "output", t("output"), t("outputHint"))}
        </div>
      </fieldset>
      <OtherErrors errors={errors} fields={FIELDS} />
      <ErrorBox error={action.error} />
      <p class="links">
        <button disabled={action.isRunning}>{t("checkFiles")}</button>
        <span role="status" class="muted">
          {action.isRunning && t("uploading")}
        </span>
      </p>
      {preview && (
        <>
          <Preview preview={preview} />
          <p class="links">
            <button type="button" class="primary" disabled={action.isRunning} onClick={() => action.run(upload)}>
              {t("upload")}
            </button>
          </p>
        </>
      )}
    </form>
  );
}

export default function NewModel() {
  const model = Number(address.value.query.get("model")) || undefined;
  const { data, error, reload } = useRequest(async (signal) => (model ? (await graph(MODEL, { id: model }, signal)).model : null), [model]);
  const isAllowed = may("system:write");
  const isMissing = model !== undefined && data === null;
  useEffect(() => {
    document.title = `${t("uploadModel")} · Basalt`;
  }, []);
  return (
    <div class="page">
      <p class="crumb">
        <a href={model ? `${BASE}/models/${model}` : `${BASE}/models`}>← {data?.device?.name ?? t("models")}</a>
      </p>
      <h1>{t(model ? "uploadVersion" : "uploadModel")}</h1>
      <p class="muted">{t("uploadNote")}</p>
      <ErrorBox error={error} again={reload} />
      {!isAllowed && <Empty title={t("forbidden")} note="system:write" />}
      {isAllowed && isMissing && <Empty title={t("noSuchModel")} />}
      {isAllowed && data !== undefined && !isMissing && <Form before={data} />}
    </div>
  );
}
