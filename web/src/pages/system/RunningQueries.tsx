// Queries that run now, and an end to them.

import { checkErrors, graph, type Data } from "../../api/graph.ts";
import { may } from "../../shell/session.ts";
import { useAction, useRequest } from "../../ui/request.ts";
import { duration, formatBytes, formatCount } from "../../ui/format.ts";
import { Busy, ErrorBox } from "../../ui/parts.tsx";
import { CANCEL_QUERY, RUNNING } from "./queries.ts";
import { t } from "./words.ts";

type RunningQuery = Data<"RunningQueries">["runningQueries"][number];

const EVERY = 2000;

function Row({ query, changed }: { query: RunningQuery; changed: () => void }) {
  const { run, error, isRunning } = useAction();
  const cancel = async () => {
    const { cancelQuery } = await graph(CANCEL_QUERY, { id: query.id });
    checkErrors(cancelQuery.errors);
    changed();
  };
  return (
    <tr>
      <td class="number">{duration(query.elapsedMs)}</td>
      <td>{query.caller}</td>
      <td>{query.surface}</td>
      <td class="number">{formatCount(query.rows)}</td>
      <td class="number">{query.memoryBytes === null ? "–" : formatBytes(query.memoryBytes)}</td>
      <td class="message mono">{query.text ?? "–"}</td>
      <td>
        {(query.own || may("system:write")) && (
          <button type="button" disabled={isRunning} onClick={() => run(cancel)}>
            {t("cancel")}
          </button>
        )}
        <ErrorBox error={error} />
      </td>
    </tr>
  );
}

const COLUMNS = [
  ["ran", "number"],
  ["caller", ""],
  ["surface", ""],
  ["rowsOf", "number"],
  ["peak", "number"],
  ["statement", ""],
] as const;

export function RunningQueries() {
  const { data, error, isBusy, reload } = useRequest(
    async (signal) => (await graph(RUNNING, {}, signal)).runningQueries,
    [],
    EVERY,
  );
  return (
    <section>
      <Busy isBusy={isBusy} />
      <h2>{t("running")}</h2>
      <ErrorBox error={error} again={reload} />
      {data?.length === 0 && <p class="muted">{t("runningNone")}</p>}
      {data && data.length > 0 && (
        <div class="table-wrap" tabIndex={0} role="region" aria-label={t("running")}>
          <table>
            <thead>
              <tr>
                {COLUMNS.map(([word, name]) => (
                  <th scope="col" key={word} class={name}>
                    {t(word)}
                  </th>
                ))}
                <td />
              </tr>
            </thead>
            <tbody>
              {data.map((query) => (
                <Row key={query.id} query={query} changed={reload} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
