// Stored readings are scored as a job.

import { useState } from "preact/hooks";
import { checkErrors, graph, type UserError } from "../../api/graph.ts";
import type { Range } from "../../chart/levels.ts";
import { useAction, useAsk } from "../../ui/ask.ts";
import { CheckField, OtherErrors } from "../../ui/fields.tsx";
import { dateTime, formatCount } from "../../ui/format.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import { BoundFields, rangeErrors, useBounds, written } from "./bounds.tsx";
import { CANCEL, JOBS, SCORE } from "./queries.ts";
import type { Job, Model } from "./types.ts";
import { jobsOf, resultText } from "./view.ts";
import { t } from "./words.ts";

/** How often jobs are asked for, milliseconds: while one goes on, and else. */
const [SOON, LATER] = [1000, 15_000];

const STATES = { queued: "jobQueued", running: "jobRunning", done: "jobDone", failed: "jobFailed", cancelled: "jobCancelled" } as const;

interface Props {
  model: Model;
  brush: Range | undefined;
}

function JobRow({ job, cancel, isRunning }: { job: Job; cancel: () => void; isRunning: boolean }) {
  const goesOn = job.state === "queued" || job.state === "running";
  const percent = Math.round(job.progress * 100);
  return (
    <li class="job">
      <span>{dateTime(Date.parse(job.createdAt))}</span> <strong>{t(STATES[job.state])}</strong>{" "}
      {goesOn && (
        <>
          <progress max={100} value={percent} aria-label={t("progress")} /> {percent} %{" "}
          <button type="button" disabled={isRunning} onClick={cancel}>
            {t("cancelJob")}
          </button>
        </>
      )}
      {job.error && <span class="error-text">{job.error}</span>}
      {job.state === "done" && <span class="muted">{resultText(job.result, formatCount)}</span>}
    </li>
  );
}

export function ScoreHistory({ model, brush }: Props) {
  const bounds = useBounds(brush);
  const [hasEvents, setEvents] = useState(true);
  const [errors, setErrors] = useState<UserError[]>([]);
  const [goesOn, setGoesOn] = useState(false);
  const action = useAction();
  const { data, error, ask } = useAsk(
    async (signal) => {
      const jobs = jobsOf((await graph<{ jobs: { nodes: Job[] } }>(JOBS, {}, signal)).jobs.nodes, model.rowId);
      setGoesOn(jobs.some(({ state }) => state === "queued" || state === "running"));
      return jobs;
    },
    [model.rowId, goesOn],
    goesOn ? SOON : LATER,
  );
  const start = async () => {
    const { range } = bounds;
    setErrors(rangeErrors(range));
    if (!range) return;
    type Answer = { scoreModel: { errors: UserError[] } };
    const variables = { id: model.rowId, from: written(range.from), to: written(range.to), events: hasEvents };
    setErrors((await graph<Answer>(SCORE, variables)).scoreModel.errors);
    ask();
  };
  const cancel = async (id: number) => {
    checkErrors((await graph<{ cancelJob: { errors: UserError[] } }>(CANCEL, { id })).cancelJob.errors);
    ask();
  };
  return (
    <section aria-labelledby="score-history">
      <h2 id="score-history">{t("historyHead")}</h2>
      <p class="muted">{t("historyNote")}</p>
      <form
        class="row-form"
        onSubmit={(event) => {
          event.preventDefault();
          action.run(start);
        }}
      >
        <BoundFields bounds={bounds} errors={errors} />
        <CheckField label={t("withEvents")} value={hasEvents} change={setEvents} />
        <p class="links">
          <button disabled={action.isRunning}>{t("scoreHistory")}</button>
        </p>
        <OtherErrors errors={errors} fields={["from", "to"]} />
        <ErrorBox error={action.error ?? error} again={error ? ask : undefined} />
      </form>
      {data && data.length > 0 && (
        <ul aria-label={t("jobs")}>
          {data.slice(0, 5).map((job) => (
            <JobRow key={job.rowId} job={job} isRunning={action.isRunning} cancel={() => action.run(() => cancel(job.rowId))} />
          ))}
        </ul>
      )}
    </section>
  );
}
