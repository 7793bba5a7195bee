// Queries that ended: the newest or the slowest, with what they took.

import { useState } from "preact/hooks";
import { rows } from "../../api/rows.ts";
import { useRequest } from "../../ui/request.ts";
import { dateTime, formatBytes, formatCount, formatNumber } from "../../ui/format.ts";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { NEW, SLOW } from "./queries.ts";
import { t } from "./words.ts";

interface QueryLogEntry {
  started_at: string;
  surface: string;
  principal: string;
  wait_ms: number;
  run_ms: number;
  rows: number;
  outcome: string;
  bytes_scanned: number | null;
  peak_memory: number | null;
}

const ms = (length: number) => `${formatNumber(Math.round(length * 10) / 10)} ms`;
const bytes = (size: number | null) => (size === null ? "–" : formatBytes(size));

function Row({ query }: { query: QueryLogEntry }) {
  return (
    <tr>
      <td class="nowrap">{dateTime(Math.floor(Date.parse(query.started_at) / 1000) * 1000)}</td>
      <td>{query.surface}</td>
      <td>{query.principal}</td>
      <td class="number">{ms(query.wait_ms)}</td>
      <td class="number">{ms(query.run_ms)}</td>
      <td class="number">{formatCount(query.rows)}</td>
      <td class="number">{bytes(query.bytes_scanned)}</td>
      <td class="number">{bytes(query.peak_memory)}</td>
      <td class={query.outcome === "ok" ? "" : "error-text"}>{query.outcome}</td>
    </tr>
  );
}

const COLUMNS = [
  ["begun", ""],
  ["surface", ""],
  ["caller", ""],
  ["waited", "number"],
  ["ran", "number"],
  ["rowsOf", "number"],
  ["scanned", "number"],
  ["peak", "number"],
  ["outcome", ""],
] as const;

export function QueryLog() {
  const [isSlowest, setSlowest] = useState(true);
  const { data, error, isBusy, reload } = useRequest((signal) => rows<QueryLogEntry>(isSlowest ? SLOW : NEW, {}, signal), [isSlowest]);
  return (
    <section>
      <Busy isBusy={isBusy} />
      <h2>{t("queryLog")}</h2>
      <div class="filters">
        <label>
          <span>{t("show")}</span>
          <select value={isSlowest ? "slow" : "new"} onChange={(event) => setSlowest(event.currentTarget.value === "slow")}>
            <option value="slow">{t("slowest")}</option>
            <option value="new">{t("newest")}</option>
          </select>
        </label>
        <button type="button" onClick={reload}>
          {t("refresh")}
        </button>
      </div>
      <ErrorBox error={error} again={reload} />
      {data?.length === 0 && <Empty title={t("queriesNone")} />}
      {data && data.length > 0 && (
        <div class="table-wrap" tabIndex={0} role="region" aria-label={t("queryLog")}>
          <table>
            <thead>
              <tr>
                {COLUMNS.map(([word, name]) => (
                  <th scope="col" key={word} class={name}>
                    {t(word)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.map((query, index) => (
                <Row key={index} query={query} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
