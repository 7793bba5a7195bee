// Models: all of them, with their states and newest scores.

import { BASE } from "../../api/root.ts";
import { type Data, graph } from "../../api/graph.ts";
import { may } from "../../shell/session.ts";
import { useRequest } from "../../ui/request.ts";
import { formatNumber } from "../../ui/format.ts";
import { PageHead } from "../../ui/PageHead.tsx";
import { Age, Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { MODELS } from "./queries.ts";
import { ModelSign } from "./Sign.tsx";
import type { ModelRow } from "./types.ts";
import { t } from "./words.ts";

/** States and scores are read anew so often, milliseconds. */
const REPEAT = 5000;

async function load(signal: AbortSignal): Promise<ModelRow[]> {
  const models: ModelRow[] = [];
  let after: string | null = null;
  do {
    const page: Data<"Models"> = await graph(MODELS, { after }, signal);
    models.push(...page.models.nodes);
    after = page.models.pageInfo.hasNextPage ? page.models.pageInfo.endCursor : null;
  } while (after !== null);
  return models;
}

const shown = (value: number | null) => (value === null ? "–" : formatNumber(value));

function Row({ model: { rowId, device, sources, version, status } }: { model: ModelRow }) {
  return (
    <tr>
      <th scope="row">
        <a href={`${BASE}/models/${rowId}`}>{device?.name ?? t("modelOf", { id: rowId })}</a>
      </th>
      <td>
        <ModelSign status={status} />
      </td>
      <td class="number">{shown(status.lastScore)}</td>
      <td class="number">{shown(version.threshold)}</td>
      <td class="number">{version.number}</td>
      <td class="number">
        <Age of={status.position} />
      </td>
      <td class="message">{status.lastError ?? sources.map(({ name }) => name).join(", ")}</td>
    </tr>
  );
}

function Upload() {
  return (
    <a class="button" href={`${BASE}/models/new`}>
      {t("uploadModel")}
    </a>
  );
}

export default function Models() {
  const { data, error, isBusy, reload } = useRequest(load, [], REPEAT);
  return (
    <div class="page">
      <Busy isBusy={isBusy && !data} />
      <PageHead title={t("models")} count={data?.length}>
        {data && data.length > 0 && may("system:write") && <Upload />}
      </PageHead>
      <ErrorBox error={error} again={reload} />
      {data?.length === 0 && (
        <Empty title={t("modelsNone")} note={t("modelsNoneNote")}>
          {may("system:write") && <Upload />}
        </Empty>
      )}
      {data && data.length > 0 && (
        <div class="table-wrap" tabIndex={0} role="region" aria-label={t("models")}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t("name")}</th>
                <th scope="col">{t("state")}</th>
                <th scope="col" class="number">{t("score")}</th>
                <th scope="col" class="number">{t("threshold")}</th>
                <th scope="col" class="number">{t("version")}</th>
                <th scope="col" class="number">{t("age")}</th>
                <th scope="col">{t("sources")}</th>
              </tr>
            </thead>
            <tbody>
              {data.map((model) => (
                <Row key={model.rowId} model={model} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
