// What a rule would have done over the past.

import { useState } from "preact/hooks";
import { graph, type UserError } from "../../api/graph.ts";
import { useAction } from "../../ui/ask.ts";
import { dateTime, formatCount } from "../../ui/format.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import { DRY_RUN } from "./queries.ts";
import { t } from "./words.ts";

interface Outcome {
  raised: number;
  suppressed: number;
  readings: number;
  alerts: { at: string; message: string; resolvedAt: string | null }[];
  errors: UserError[];
}

const HOUR = 3_600_000;
const RANGES = [
  [24, "dryDay"],
  [168, "dryWeek"],
  [720, "dryMonth"],
] as const;
/** Alerts that are listed. */
const MOST = 20;

export function DryRun({ checked, take }: { checked: () => object | undefined; take: (errors: UserError[]) => boolean }) {
  const [hours, setHours] = useState(24);
  const [outcome, setOutcome] = useState<Outcome>();
  const { run, error, isRunning } = useAction();
  const work = async () => {
    setOutcome(undefined);
    const input = checked();
    if (!input) return;
    const to = Date.now();
    const variables = { input, from: new Date(to - hours * HOUR).toISOString(), to: new Date(to).toISOString() };
    const { alertRuleDryRun } = await graph<{ alertRuleDryRun: Outcome }>(DRY_RUN, variables);
    if (!take(alertRuleDryRun.errors)) setOutcome(alertRuleDryRun);
  };
  return (
    <fieldset>
      <legend>{t("dryRun")}</legend>
      <div class="buttons">
        <select aria-label={t("range")} value={hours} onChange={(event) => setHours(Number(event.currentTarget.value))}>
          {RANGES.map(([length, word]) => (
            <option key={word} value={length}>
              {t(word)}
            </option>
          ))}
        </select>
        <button type="button" disabled={isRunning} onClick={() => run(work)}>
          {t("dryRun")}
        </button>
      </div>
      <div role="status">
        {outcome && <p>{t("dryRaised", { raised: formatCount(outcome.raised), readings: formatCount(outcome.readings) })}</p>}
        {outcome && outcome.suppressed > 0 && <p>{t("drySuppressed", { n: formatCount(outcome.suppressed) })}</p>}
      </div>
      <ErrorBox error={error} />
      {outcome && outcome.alerts.length > 0 && (
        <>
          {outcome.raised > MOST && <p>{t("dryMore", { n: MOST })}</p>}
          <ul class="small">
            {outcome.alerts.slice(0, MOST).map((alert, index) => (
              <li key={index}>
                <span class="muted">{dateTime(Math.floor(Date.parse(alert.at) / 1000) * 1000)}</span> {alert.message}
              </li>
            ))}
          </ul>
        </>
      )}
    </fieldset>
  );
}
