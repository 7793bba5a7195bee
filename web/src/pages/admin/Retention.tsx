// How long rows are kept, tried before it is set.

import { useState } from "preact/hooks";
import { graph, type UserError } from "../../api/graph.ts";
import { may } from "../../shell/session.ts";
import { useAction, useAsk } from "../../ui/ask.ts";
import { Field, useFieldErrors } from "../../ui/Field.tsx";
import { dateTime, formatBytes, formatCount, formatNumber } from "../../ui/format.ts";
import { Busy, ErrorBox } from "../../ui/parts.tsx";
import { RETENTION, SET_RETENTION } from "./queries.ts";
import { parseDays } from "./scopes.ts";
import { t } from "./words.ts";

type Table = "readings" | "statistics";

interface Policy {
  table: Table;
  dropAfter: number | null;
}

interface Forecast {
  before: string | null;
  rows: number;
  files: number;
  bytes: number;
}

interface Answer {
  setRetention: { forecast: Forecast | null; errors: UserError[] };
}

const DAY = 86_400;
const WORDS = { readings: "readingsTable", statistics: "statisticsTable" } as const;

function forecastWords({ before, rows, files, bytes }: Forecast): string {
  if (before === null || Number(rows) === 0) return t("wouldRemoveNothing");
  const time = dateTime(Math.floor(Date.parse(before) / 1000) * 1000);
  return t("wouldRemove", { rows: formatCount(Number(rows)), before: time, files: formatCount(Number(files)), size: formatBytes(Number(bytes)) });
}

function keptWords(dropAfter: number | null): string {
  return dropAfter === null ? t("keptForever") : t("keptDays", { n: formatNumber(Number(dropAfter) / DAY) });
}

function Form({ policy, changed }: { policy: Policy; changed: () => void }) {
  const [days, setDays] = useState(policy.dropAfter === null ? "" : String(Number(policy.dropAfter) / DAY));
  /** What the days that were tried last would do; others have to be tried first. */
  const [tried, setTried] = useState<{ days: string; forecast: Forecast }>();
  const [isSet, setDone] = useState(false);
  const { run, error, isRunning } = useAction();
  const wrong = useFieldErrors();
  const ask = (dryRun: boolean) => async () => {
    const dropAfter = parseDays(days);
    if (wrong.take(dropAfter === undefined ? [{ field: "dropAfter", message: t("wrongDays") }] : [])) return;
    const { setRetention } = await graph<Answer>(SET_RETENTION, { table: policy.table, dropAfter, dryRun });
    if (wrong.take(setRetention.errors)) return;
    setTried(setRetention.forecast ? { days, forecast: setRetention.forecast } : undefined);
    setDone(!dryRun);
    if (!dryRun) changed();
  };
  const name = t(WORDS[policy.table]);
  return (
    <form
      class="form"
      noValidate
      aria-label={name}
      onSubmit={(event) => {
        event.preventDefault();
        run(ask(true));
      }}
    >
      <h2>{name}</h2>
      <p>{keptWords(policy.dropAfter)}</p>
      {may("system:write") && (
        <>
          <Field label={t("keepDays")} hint={t("keepAlways")} error={wrong.of("dropAfter")}>
            <input value={days} inputMode="decimal" onInput={(event) => setDays(event.currentTarget.value)} />
          </Field>
          {wrong.rest(["dropAfter"])}
          <div class="buttons">
            <button disabled={isRunning}>{t("tryFirst")}</button>
            {tried?.days === days && (
              <button type="button" class="danger" disabled={isRunning} onClick={() => run(ask(false))}>
                {t("setPolicy")}
              </button>
            )}
          </div>
          <p role="status">
            {tried?.days === days && `${forecastWords(tried.forecast)} ${t("setAsk")}`}
            {isSet && t("isSet")}
          </p>
          <ErrorBox error={error} />
        </>
      )}
    </form>
  );
}

export function Retention() {
  const { data, error, isBusy, ask } = useAsk(async (signal) => (await graph<{ retention: Policy[] }>(RETENTION, {}, signal)).retention, []);
  return (
    <section>
      <Busy isBusy={isBusy} />
      <p class="muted">{t("retentionNote")}</p>
      <ErrorBox error={error} again={ask} />
      <div class="two">
        {data?.map((policy) => (
          <Form key={policy.table} policy={policy} changed={ask} />
        ))}
      </div>
    </section>
  );
}
