// What is done with a range of time: the threshold is set from healthy data, or stored readings are scored as a job.

import { useEffect, useState } from "preact/hooks";
import { checkErrors, graph, type UserError } from "../../api/graph.ts";
import type { Range } from "../../chart/levels.ts";
import { parseRange } from "../../chart/range.ts";
import { useAction, useAsk } from "../../ui/ask.ts";
import { CheckField, OtherErrors, TextField } from "../../ui/fields.tsx";
import { dateTime, formatCount, formatNumber } from "../../ui/format.ts";
import { parseNumber } from "../../ui/numbers.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import { CALIBRATE, CANCEL, JOBS, SCORE } from "./queries.ts";
import type { Job, Model } from "./types.ts";
import { jobsOf, resultText } from "./view.ts";
import { t } from "./words.ts";

/** How often jobs are asked for, milliseconds: while one goes on, and else. */
const [SOON, LATER] = [1000, 15_000];

const STATES = { queued: "jobQueued", running: "jobRunning", done: "jobDone", failed: "jobFailed", cancelled: "jobCancelled" } as const;

/** Whole seconds, as they are typed. */
const written = (time: number) => new Date(Math.round(time / 1000) * 1000).toISOString().replace(".000Z", "Z");

interface Bounds {
  from: string;
  to: string;
  setFrom: (text: string) => void;
  setTo: (text: string) => void;
  range: Range | undefined;
}

/** Begin and end as text, which follow what is selected in the chart. */
function useBounds(brush: Range | undefined): Bounds {
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  useEffect(() => {
    if (!brush) return;
    setFrom(written(brush.from));
    setTo(written(brush.to));
  }, [brush?.from, brush?.to]);
  return { from, to, setFrom, setTo, range: parseRange({ from, to }, Date.now()) };
}

function BoundFields({ bounds, errors }: { bounds: Bounds; errors: UserError[] }) {
  return (
    <>
      <TextField name="from" label={t("rangeFrom")} value={bounds.from} change={bounds.setFrom} errors={errors} placeholder="now-7d" isRequired />
      <TextField name="to" label={t("rangeTo")} value={bounds.to} change={bounds.setTo} errors={errors} placeholder="now-1d" isRequired />
    </>
  );
}

interface Props {
  model: Model;
  brush: Range | undefined;
  changed: () => void;
}

/** Asks for both ends of a range as errors of their fields. */
function rangeErrors(range: Range | undefined): UserError[] {
  return range ? [] : [{ field: "from", message: t("rangeWrong") }];
}

export function Calibrate({ model, brush, changed }: Props) {
  const bounds = useBounds(brush);
  const [percentile, setPercentile] = useState("99.5");
  const [errors, setErrors] = useState<UserError[]>([]);
  const [said, setSaid] = useState("");
  const action = useAction();
  const run = async () => {
    setSaid("");
    const { range } = bounds;
    const share = parseNumber(percentile);
    const wrong = [...rangeErrors(range), ...(share === undefined || Number.isNaN(share) ? [{ field: "percentile", message: t("noNumber") }] : [])];
    setErrors(wrong);
    if (!range || wrong.length > 0) return;
    type Answer = { calibrateModel: { errors: UserError[]; threshold: number | null; windows: number | null } };
    const variables = { id: model.rowId, from: written(range.from), to: written(range.to), percentile: share };
    const { calibrateModel } = await graph<Answer>(CALIBRATE, variables);
    setErrors(calibrateModel.errors);
    if (calibrateModel.threshold === null) return;
    setSaid(t("calibrated", { threshold: formatNumber(calibrateModel.threshold), windows: formatCount(calibrateModel.windows ?? 0) }));
    changed();
  };
  return (
    <section aria-labelledby="calibrate">
      <h2 id="calibrate">{t("calibrateHead")}</h2>
      <p class="muted">{t("calibrateNote")}</p>
      <form
        class="row-form"
        onSubmit={(event) => {
          event.preventDefault();
          action.run(run);
        }}
      >
        <BoundFields bounds={bounds} errors={errors} />
        <TextField name="percentile" label={t("percentile")} value={percentile} change={setPercentile} errors={errors} isNumber />
        <p class="links">
          <button disabled={action.isRunning}>{t("calibrate")}</button>
        </p>
        <OtherErrors errors={errors} fields={["from", "to", "percentile"]} />
        <ErrorBox error={action.error} />
        <p role="status">{said}</p>
      </form>
    </section>
  );
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

export function ScoreHistory({ model, brush }: Omit<Props, "changed">) {
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
