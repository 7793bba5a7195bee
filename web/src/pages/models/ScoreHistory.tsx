// Stored readings are scored as a job.

import { useState } from "preact/hooks";
import { checkErrors, graph } from "../../api/graph.ts";
import type { Range } from "../../chart/levels.ts";
import { useRequest } from "../../ui/request.ts";
import { CheckField, OtherErrors } from "../../ui/fields.tsx";
import { useForm } from "../../ui/form.ts";
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

/** A state in words; one that this page does not know as the server names it. */
const wordOf = (state: string) => (state in STATES ? t(STATES[state as keyof typeof STATES]) : state);

function JobRow({ job, cancel, isRunning }: { job: Job; cancel: () => void; isRunning: boolean }) {
  const goesOn = job.state === "queued" || job.state === "running";
  const percent = Math.round(job.progress * 100);
  return (
    <li class="job">
      <span>{dateTime(Date.parse(job.createdAt))}</span> <strong>{wordOf(job.state)}</strong>{" "}
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
  const [goesOn, setGoesOn] = useState(false);
  const { data, error, reload } = useRequest(
    async (signal) => {
      const jobs = jobsOf((await graph(JOBS, {}, signal)).jobs.nodes, model.rowId);
      setGoesOn(jobs.some(({ state }) => state === "queued" || state === "running"));
      return jobs;
    },
    [model.rowId, goesOn],
    goesOn ? SOON : LATER,
  );
  const form = useForm({ hasEvents: true }, async ({ hasEvents }) => {
    const { range } = bounds;
    if (!range) return rangeErrors(range);
    const { errors } = (await graph(SCORE, { id: model.rowId, from: written(range.from), to: written(range.to), events: hasEvents })).scoreModel;
    reload();
    return errors;
  });
  const cancel = async (id: number) => {
    checkErrors((await graph(CANCEL, { id })).cancelJob.errors);
    reload();
  };
  return (
    <section aria-labelledby="score-history">
      <h2 id="score-history">{t("historyHead")}</h2>
      <p class="muted">{t("historyNote")}</p>
      <form class="row-form" onSubmit={form.submit}>
        <BoundFields bounds={bounds} errors={form.errors} />
        <CheckField label={t("withEvents")} value={form.values.hasEvents} change={(hasEvents) => form.set({ hasEvents })} />
        <p class="links">
          <button disabled={form.isRunning}>{t("scoreHistory")}</button>
        </p>
        <OtherErrors errors={form.errors} fields={["from", "to"]} />
        <ErrorBox error={form.failure ?? error} again={error ? reload : undefined} />
      </form>
      {data && data.length > 0 && (
        <ul aria-label={t("jobs")}>
          {data.slice(0, 5).map((job) => (
            <JobRow key={job.rowId} job={job} isRunning={form.isRunning} cancel={() => form.run(() => cancel(job.rowId))} />
          ))}
        </ul>
      )}
    </section>
  );
}
