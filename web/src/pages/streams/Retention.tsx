// How long a stream keeps its readings and statistics: what a change would remove is said before it is made.

import { useState } from "preact/hooks";
import { graph, type UserError } from "../../api/graph.ts";
import { may } from "../../shell/session.ts";
import { useAction, useRequest } from "../../ui/request.ts";
import { dateTime, formatCount, formatNumber } from "../../ui/format.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import { OtherErrors, SelectField, TextField } from "../../ui/fields.tsx";
import { parseNumber } from "../../ui/numbers.ts";
import { POLICIES, SET_RETENTION } from "./queries.ts";
import type { Forecast, RetentionTable, StreamFull, Policies } from "./types.ts";
import { t } from "./words.ts";

const DAY_S = 86_400;

function kept({ dropAfter }: { dropAfter: number | string | null }): string {
  return dropAfter === null ? t("keptForever") : t("keptDays", { days: formatNumber(Number(dropAfter) / DAY_S) });
}

function PolicyList({ policies }: { policies: Policies }) {
  const own = policies.stream?.retention ?? [];
  return (
    <dl class="facts">
      {policies.retention.map((general) => {
        const special = own.find(({ table }) => table === general.table);
        return (
          <div key={general.table}>
            <dt>{t(general.table === "readings" ? "tableReadings" : "tableStatistics")}</dt>
            <dd>
              {kept(special ?? general)} <span class="muted">({t(special ? "ofStream" : "ofOrganization")})</span>
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function Outcome({ forecast }: { forecast: Forecast }) {
  return (
    <p role="status" class="outcome">
      {forecast.before === null || Number(forecast.rows) === 0
        ? t("nothingGoes")
        : t("wouldGo", {
          rows: formatCount(Number(forecast.rows)),
          time: dateTime(Date.parse(forecast.before)),
          size: formatNumber(Math.round(Number(forecast.bytes) / 1e4) / 100),
        })}
    </p>
  );
}

/** The change of a policy. It can be made only as it was tried. */
function RetentionForm({ stream, isOwn, changed }: { stream: StreamFull; isOwn: (table: RetentionTable) => boolean; changed: () => void }) {
  const [table, setTable] = useState<RetentionTable>("readings");
  const [days, setDays] = useState("");
  const [forecast, setForecast] = useState<Forecast>();
  const [errors, setErrors] = useState<UserError[]>([]);
  const [said, setSaid] = useState("");
  const action = useAction();
  const change = async (dropAfter: number | null, dryRun: boolean) => {
    const { setRetention } = await graph(SET_RETENTION, { stream: String(stream.rowId), table, dropAfter, dryRun });
    setErrors(setRetention.errors);
    setForecast(setRetention.errors.length === 0 && dryRun ? (setRetention.forecast ?? undefined) : undefined);
    setSaid(setRetention.errors.length === 0 && !dryRun ? t("policySet") : "");
    if (setRetention.errors.length === 0 && !dryRun) changed();
  };
  const wanted = parseNumber(days);
  const isTyped = wanted !== undefined && !Number.isNaN(wanted) && wanted > 0;
  const seconds = Math.round((wanted ?? 0) * DAY_S);
  const edit = (edited: () => void) => {
    edited();
    setForecast(undefined);
    setSaid("");
  };
  return (
    <form
      class="row-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (isTyped) action.run(() => change(seconds, true));
      }}
    >
      <SelectField
        name="table"
        label={t("tableWord")}
        value={table}
        change={(value) => edit(() => setTable(value))}
        options={[["readings", t("tableReadings")], ["statistics", t("tableStatistics")]]}
      />
      <TextField name="dropAfter" label={t("dropAfter")} value={days} change={(value) => edit(() => setDays(value))} errors={errors} isNumber />
      <p class="links">
        <button disabled={!isTyped || action.isRunning}>{t("tryRetention")}</button>
        {forecast && (
          <button type="button" class="primary" disabled={action.isRunning} onClick={() => action.run(() => change(seconds, false))}>
            {t("setRetention")}
          </button>
        )}
        {isOwn(table) && (
          <button type="button" disabled={action.isRunning} onClick={() => action.run(() => change(null, false))}>
            {t("removePolicy")}
          </button>
        )}
      </p>
      <OtherErrors errors={errors} fields={["dropAfter"]} />
      <ErrorBox error={action.error} />
      {forecast && <Outcome forecast={forecast} />}
      <p role="status">{said}</p>
    </form>
  );
}

export function Retention({ stream }: { stream: StreamFull }) {
  const { data, error, reload } = useRequest((signal) => graph(POLICIES, { id: stream.rowId }, signal), [stream.rowId]);
  const isOwn = (table: RetentionTable) => data?.stream?.retention.some((policy) => policy.table === table) ?? false;
  return (
    <section>
      <h2>{t("retention")}</h2>
      <ErrorBox error={error} again={reload} />
      {data && <PolicyList policies={data} />}
      {data && may("system:write") && <RetentionForm stream={stream} isOwn={isOwn} changed={reload} />}
    </section>
  );
}
