// Versions of a model, of which an earlier one can be used again.

import { BASE } from "../../api/root.ts";
import { checkErrors, graph } from "../../api/graph.ts";
import { useAction } from "../../ui/request.ts";
import { dateTime, formatCount, formatNumber } from "../../ui/format.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import { may } from "../../shell/session.ts";
import { ROLL_BACK } from "./queries.ts";
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
    checkErrors((await graph(ROLL_BACK, { id: model.rowId, version })).rollBackModel.errors);
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
              const goBack = mayGo ? () => action.run(() => back(version.number)) : undefined;
              return <VersionRow key={version.number} version={version} isCurrent={isCurrent} back={goBack} />;
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
