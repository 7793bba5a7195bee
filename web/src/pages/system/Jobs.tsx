// Jobs: what runs in the background, how far it is, and an end to it.

import { checkErrors, graph, type Data } from "../../api/graph.ts";
import { may } from "../../shell/session.ts";
import { useAction, useRequest } from "../../ui/request.ts";
import { dateTime, formatCount } from "../../ui/format.ts";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { Progress } from "../../ui/Progress.tsx";
import { CANCEL_JOB, JOBS } from "./queries.ts";
import { t } from "./words.ts";

export type Job = Data<"Jobs">["jobs"]["nodes"][number];

const STATES = { queued: "jobQueued", running: "jobRunning", done: "jobDone", failed: "jobFailed", cancelled: "jobCancelled" } as const;
const KINDS = { score: "jobScore", rescore: "jobRescore", export: "jobExport", import: "jobImport", backup: "jobBackup", verify_backup: "jobVerify" } as const;

const stateOf = (job: Job) => (job.state in STATES ? t(STATES[job.state as keyof typeof STATES]) : job.state);
const kindOf = (job: Job) => (job.kind in KINDS ? t(KINDS[job.kind as keyof typeof KINDS]) : job.kind);
const isUnfinished = (job: Job) => job.state === "queued" || job.state === "running";

/** Scoring needs the right to change the system, exports and imports that to write values or read them. */
function mayCancel(job: Job): boolean {
  if (!isUnfinished(job)) return false;
  return may({ import: "value:write", export: "value:read" }[job.kind] ?? "system:write");
}

function Row({ job, changed }: { job: Job; changed: () => void }) {
  const { run, error, isRunning } = useAction();
  const cancel = async () => {
    const { cancelJob } = await graph(CANCEL_JOB, { id: job.rowId });
    checkErrors(cancelJob.errors);
    changed();
  };
  return (
    <tr>
      <th scope="row" class="number">
        {job.rowId}
      </th>
      <td>{kindOf(job)}</td>
      <td class="message">{job.name ?? (job.modelRowId === null ? "–" : `${t("model")} ${job.modelRowId}`)}</td>
      <td class={job.state === "failed" ? "error-text" : ""}>{stateOf(job)}</td>
      <td>
        <Progress of={job.progress} label={`${t("progress")} ${job.rowId}`} />
      </td>
      <td>{job.requestedBy}</td>
      <td class="nowrap">{dateTime(Math.floor(Date.parse(job.createdAt) / 1000) * 1000)}</td>
      <td class="message">
        {job.error}
        {mayCancel(job) && (
          <button type="button" disabled={isRunning} aria-label={t("cancelJob", { id: job.rowId })} onClick={() => run(cancel)}>
            {t("cancel")}
          </button>
        )}
        <ErrorBox error={error} />
      </td>
    </tr>
  );
}

/** Milliseconds between two looks: what runs is looked at more often than what does not. */
const SOON = 2000;

export function Jobs() {
  const { data, error, isBusy, reload } = useRequest(async (signal) => (await graph(JOBS, {}, signal)).jobs, [], SOON);
  return (
    <section>
      <Busy isBusy={isBusy} />
      <h2 id="jobs">{t("jobs")}</h2>
      <ErrorBox error={error} again={reload} />
      {data?.nodes.length === 0 && <Empty title={t("jobsNone")} note={t("jobsNoneNote")} />}
      {data && data.nodes.length > 0 && (
        <>
          <div class="table-wrap" tabIndex={0} role="region" aria-label={t("jobs")}>
            <table>
              <thead>
                <tr>
                  <th scope="col" class="number">
                    #
                  </th>
                  <th scope="col">{t("kind")}</th>
                  <th scope="col">{t("name")}</th>
                  <th scope="col">{t("state")}</th>
                  <th scope="col">{t("progress")}</th>
                  <th scope="col">{t("askedBy")}</th>
                  <th scope="col">{t("begun")}</th>
                  <th scope="col">{t("message")}</th>
                </tr>
              </thead>
              <tbody>
                {data.nodes.map((job) => (
                  <Row key={job.rowId} job={job} changed={reload} />
                ))}
              </tbody>
            </table>
          </div>
          <p class="small muted">{t("shownOf", { shown: formatCount(data.nodes.length), total: formatCount(data.totalCount) })}</p>
        </>
      )}
    </section>
  );
}
