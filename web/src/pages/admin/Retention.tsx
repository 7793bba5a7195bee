// How long rows are kept, tried before it is set.

import { useState } from "preact/hooks";
import { graph, type UserError, type Data } from "../../api/graph.ts";
import { may } from "../../shell/session.ts";
import { Field } from "../../ui/Field.tsx";
import { useForm } from "../../ui/form.ts";
import { FormErrors } from "../../ui/FormDialog.tsx";
import { dateTime, formatBytes, formatCount, formatNumber } from "../../ui/format.ts";
import { Busy, ErrorBox } from "../../ui/parts.tsx";
import { useRequest } from "../../ui/request.ts";
import { RETENTION, SET_RETENTION } from "./queries.ts";
import { parseDays } from "./scopes.ts";
import { t } from "./words.ts";

type Policy = Data<"Retention">["retention"][number];

type Forecast = NonNullable<Data<"SetRetention">["setRetention"]["forecast"]>;

const DAY = 86_400;
const WORDS = { readings: "readingsTable", statistics: "statisticsTable" } as const;

function forecastWords({ before, rows, files, bytes }: Forecast): string {
  if (before === null || Number(rows) === 0) return t("wouldRemoveNothing");
  const time = dateTime(Math.floor(Date.parse(before) / 1000) * 1000);
  return t("wouldRemove", { rows: formatCount(Number(rows)), before: time, files: formatCount(Number(files)), size: formatBytes(Number(bytes)) });
}

function keptWords(dropAfter: Policy["dropAfter"]): string {
  return dropAfter === null ? t("keptForever") : t("keptDays", { n: formatNumber(Number(dropAfter) / DAY) });
}

const FIELDS = ["dropAfter"];

function PolicyForm({ policy, changed }: { policy: Policy; changed: () => void }) {
  /** Forecast for the days that were tried last; others have to be tried first. */
  const [tried, setTried] = useState<{ days: string; forecast: Forecast }>();
  const [isSet, setDone] = useState(false);
  const send = async (days: string, dryRun: boolean): Promise<UserError[]> => {
    const dropAfter = parseDays(days);
    if (dropAfter === undefined) return [{ field: "dropAfter", message: t("wrongDays") }];
    const { errors, forecast } = (await graph(SET_RETENTION, { table: policy.table, dropAfter, dryRun })).setRetention;
    if (errors.length > 0) return errors;
    setTried(forecast ? { days, forecast } : undefined);
    setDone(!dryRun);
    if (!dryRun) changed();
    return [];
  };
  const form = useForm({ days: policy.dropAfter === null ? "" : String(Number(policy.dropAfter) / DAY) }, ({ days }) => send(days, true));
  const { days } = form.values;
  const name = t(WORDS[policy.table]);
  return (
    <form class="form" noValidate aria-label={name} onSubmit={form.submit}>
      <h2>{name}</h2>
      <p>{keptWords(policy.dropAfter)}</p>
      {may("system:write") && (
        <>
          <Field label={t("keepDays")} hint={t("keepAlways")} error={form.errorOf("dropAfter")}>
            <input value={days} inputMode="decimal" onInput={(event) => form.set({ days: event.currentTarget.value })} />
          </Field>
          <FormErrors form={form} fields={FIELDS} />
          <div class="buttons">
            <button disabled={form.isRunning}>{t("tryFirst")}</button>
            {tried?.days === days && (
              <button type="button" class="danger" disabled={form.isRunning} onClick={() => form.run(async () => void form.refuse(await send(days, false)))}>
                {t("setPolicy")}
              </button>
            )}
          </div>
          <p role="status">
            {tried?.days === days && `${forecastWords(tried.forecast)} ${t("setAsk")}`}
            {isSet && t("isSet")}
          </p>
          <ErrorBox error={form.failure} />
        </>
      )}
    </form>
  );
}

export function Retention() {
  const { data, error, isBusy, reload } = useRequest(async (signal) => (await graph(RETENTION, {}, signal)).retention, []);
  return (
    <section>
      <Busy isBusy={isBusy} />
      <p class="muted">{t("retentionNote")}</p>
      <ErrorBox error={error} again={reload} />
      <div class="two">
        {data?.map((policy) => (
          <PolicyForm key={policy.table} policy={policy} changed={reload} />
        ))}
      </div>
    </section>
  );
}
