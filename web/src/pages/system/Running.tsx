// Queries that run now, and an end to them.

import { checkErrors, graph, type UserError } from "../../api/graph.ts";
import { may } from "../../shell/session.ts";
import { useAction, useAsk } from "../../ui/ask.ts";
import { duration, formatBytes, formatCount } from "../../ui/format.ts";
import { Busy, ErrorBox } from "../../ui/parts.tsx";
import { CANCEL_QUERY, RUNNING } from "./queries.ts";
import { t } from "./words.ts";

interface RunningQuery {
  id: string;
  caller: string;
  surface: string;
  elapsedMs: number;
  rows: number;
  memoryBytes: number | null;
  text: string | null;
  own: boolean;
}

const EVERY = 2000;

function Row({ query, changed }: { query: RunningQuery; changed: () => void }) {
  const { run, error, isRunning } = useAction();
  const cancel = async () => {
    const { cancelQuery } = await graph<{ cancelQuery: { errors: UserError[] } }>(CANCEL_QUERY, { id: query.id });
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

export function Running() {
  const { data, error, isBusy, ask } = useAsk(
    async (signal) => (await graph<{ runningQueries: RunningQuery[] }>(RUNNING, {}, signal)).runningQueries,
    [],
    EVERY,
  );
  return (
    <section>
      <Busy isBusy={isBusy} />
      <h2>{t("running")}</h2>
      <ErrorBox error={error} again={ask} />
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
                <Row key={query.id} query={query} changed={ask} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
