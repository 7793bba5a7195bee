// One model: its scores, the window under the cursor, its threshold, its history and its versions.

import { useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { checkErrors, graph } from "../../api/graph.ts";
import type { Range } from "../../chart/levels.ts";
import { isLive } from "../../chart/range.ts";
import { address, navigate } from "../../shell/router.ts";
import { may } from "../../shell/session.ts";
import { useAction, useRequest } from "../../ui/request.ts";
import { now } from "../../ui/clock.ts";
import { DeleteDialog } from "../../ui/DeleteDialog.tsx";
import { formatCount, formatNumber } from "../../ui/format.ts";
import { Age, Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { DELETE, MODEL } from "./queries.ts";
import { Scores } from "./Scores.tsx";
import { ModelSign } from "./Sign.tsx";
import type { Model } from "./types.ts";
import { Versions } from "./Versions.tsx";
import { rangeOf } from "./view.ts";
import { t } from "./words.ts";

/** State and newest score are read anew so often, milliseconds. */
const REPEAT = 5000;

function Facts({ model }: { model: Model }) {
  const { status, version } = model;
  return (
    <dl class="facts">
      <dt>{t("score")}</dt>
      <dd>
        {status.lastScore === null ? "–" : formatNumber(status.lastScore)}
        {version.threshold !== null && <span class="muted"> / {formatNumber(version.threshold)}</span>}
      </dd>
      <dt>{t("scoredTo")}</dt>
      <dd>
        <Age of={status.position} />
      </dd>
      <dt>{t("sources")}</dt>
      <dd>
        {model.sources.map(({ rowId, name, device }) => (
          <div key={rowId}>
            <a href={`${BASE}/streams/${rowId}`}>{name}</a> <span class="muted">{device?.name}</span>
          </div>
        ))}
      </dd>
      <dt>{t("scoreStream")}</dt>
      <dd>{model.scores ? <a href={`${BASE}/streams/${model.scores.rowId}`}>{model.scores.name}</a> : "–"}</dd>
      <dt>{t("interval")}</dt>
      <dd>{formatNumber(version.interval)} s</dd>
      <dt>{t("windowsCount")}</dt>
      <dd>{[status.windows, status.gaps, status.late, status.behind].map(formatCount).join(" / ")}</dd>
    </dl>
  );
}

function DeleteModel({ model }: { model: Model }) {
  const [isAsked, setAsked] = useState(false);
  const action = useAction();
  const name = model.device?.name ?? t("modelOf", { id: model.rowId });
  const remove = async () => {
    checkErrors((await graph(DELETE, { id: model.rowId })).deleteModel.errors);
    navigate("/models");
  };
  return (
    <section>
      <p class="links">
        <button type="button" onClick={() => setAsked(true)}>
          {t("deleteModel")}
        </button>
      </p>
      {isAsked && (
        <DeleteDialog title={t("deleteModel")} name={name} remove={() => action.run(remove)} isRunning={action.isRunning} close={() => setAsked(false)}>
          <p>{t("deleteModelNote", { versions: model.versions.length })}</p>
          <ErrorBox error={action.error} />
        </DeleteDialog>
      )}
    </section>
  );
}

function ModelView({ model, changed }: { model: Model; changed: () => void }) {
  const [brush, setBrush] = useState<Range>();
  const [said, setSaid] = useState("");
  const work = useRequest(() => import("./Work.tsx"), []);
  const { text, range } = rangeOf(address.value.query, isLive({ from: "", to: address.value.query.get("to") ?? "now" }) ? now.value : Date.now());
  return (
    <>
      <h1>
        {model.device?.name ?? t("modelOf", { id: model.rowId })} <ModelSign status={model.status} />
      </h1>
      {model.status.lastError !== null && (
        <p class="error-box">
          <strong>{t("lastError")}:</strong> {model.status.lastError}
        </p>
      )}
      <Facts model={model} />
      {may("value:read") && <Scores model={model} text={text} range={range} brush={brush} select={setBrush} />}
      {work.data && <work.data.Work model={model} range={range} brush={brush} changed={changed} />}
      <ErrorBox error={work.error} again={work.reload} />
      <Versions model={model} changed={changed} />
      {may("system:write") && (
        <>
          {work.data && (
            <work.data.ModelSettings
              key={`${model.version.number} ${model.version.threshold} ${model.enabled}`}
              model={model}
              changed={changed}
              said={said}
              tell={setSaid}
            />
          )}
          <DeleteModel model={model} />
        </>
      )}
    </>
  );
}

export default function ModelDetail({ id }: { id: string }) {
  const { data, error, isBusy, reload } = useRequest(
    async (signal) => (await graph(MODEL, { id: Number(id) }, signal)).model,
    [id],
    REPEAT,
  );
  return (
    <div class="page model">
      <Busy isBusy={isBusy && !data} />
      <p class="crumb">
        <a href={`${BASE}/models`}>← {t("models")}</a>
      </p>
      <ErrorBox error={error} again={reload} />
      {data === null && <Empty title={t("noSuchModel")} />}
      {data && <ModelView model={data} changed={reload} />}
    </div>
  );
}
