// Dry run of a rule: the alerts that it would have raised over the past.

import { useState } from "preact/hooks";
import { graph, type UserError, type Data } from "../../api/graph.ts";
import { useAction } from "../../ui/request.ts";
import { dateTime, formatCount } from "../../ui/format.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import { DRY_RUN } from "./queries.ts";
import type { RuleInput } from "./rule.ts";
import { t } from "./words.ts";

type Outcome = Data<"DryRun">["alertRuleDryRun"];

const HOUR = 3_600_000;
const RANGES = [
  [24, "dryDay"],
  [168, "dryWeek"],
  [720, "dryMonth"],
] as const;
/** Alerts that are listed. */
const MOST = 20;

export function DryRun({ checked, refuse }: { checked: () => RuleInput | undefined; refuse: (errors: UserError[]) => boolean }) {
  const [hours, setHours] = useState(24);
  const [outcome, setOutcome] = useState<Outcome>();
  const { run, error, isRunning } = useAction();
  const work = async () => {
    setOutcome(undefined);
    const input = checked();
    if (!input) return;
    const to = Date.now();
    const variables = { input, from: new Date(to - hours * HOUR).toISOString(), to: new Date(to).toISOString() };
    const { alertRuleDryRun } = await graph(DRY_RUN, variables);
    if (!refuse(alertRuleDryRun.errors)) setOutcome(alertRuleDryRun);
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
