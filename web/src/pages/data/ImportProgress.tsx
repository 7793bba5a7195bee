// An import under way: its progress, a pause, an end.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiError } from "../../api/http.ts";
import { formatCount } from "../../ui/format.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import { Progress } from "../../ui/Progress.tsx";
import type { DataStream } from "./types.ts";
import { indexOf, type Mapping } from "./readings.ts";
import { begin, cancel, goOn, JobEnded, saveTransfer, step, type Transfer } from "./transfer.ts";
import { t } from "./words.ts";

interface Props {
  file: File;
  /** Import that goes on, with the part that is done already; undefined for a new one. */
  transfer: Transfer | undefined;
  mapping: Mapping;
  headBytes: number;
  streams: DataStream[];
  startOver: () => void;
}

type State = "running" | "paused" | "failed" | "cancelled" | "done";

/** A paused import is reported this often, so that its job does not end. */
const SIGN_OF_LIFE = 60_000;

function useTransfer({ file, transfer: first, mapping, headBytes, streams }: Props) {
  const index = useMemo(() => indexOf(streams), [streams]);
  const [transfer, setTransfer] = useState(first);
  const [state, setState] = useState<State>("running");
  const [error, setError] = useState<ApiError>();
  const latest = useRef(first);
  // Whoever goes on, or has cancelled, waits for this: the same piece is never sent twice at a time.
  const underWay = useRef<Promise<void>>(Promise.resolve());
  const isDone = () => latest.current !== undefined && latest.current.offset >= file.size;
  const fail = (failure: unknown) => setError(failure instanceof ApiError ? failure : new ApiError(String(failure), 0));
  const keep = (now: Transfer) => {
    latest.current = now;
    setTransfer(now);
    saveTransfer(now.offset < file.size ? now : undefined);
  };
  useEffect(() => {
    if (state !== "running") return undefined;
    let isStopped = false;
    const work = async () => {
      if (isStopped) return;
      if (isDone()) return setState("done");
      keep(latest.current ? await goOn(latest.current) : await begin(file, mapping, headBytes));
      while (!isStopped && latest.current && !isDone()) keep(await step(file, latest.current, index));
      if (isDone()) setState("done");
    };
    setError(undefined);
    underWay.current = underWay.current.then(work).catch((failure: unknown) => {
      const isCancelled = failure instanceof JobEnded;
      if (isCancelled) saveTransfer(undefined);
      else fail(failure);
      setState(isCancelled ? "cancelled" : "failed");
    });
    return () => {
      isStopped = true;
    };
  }, [state]);
  useEffect(() => {
    if (state !== "paused") return undefined;
    // If the job has ended meanwhile, going on makes another.
    const timer = setInterval(() => latest.current && void goOn(latest.current).then(keep, () => {}), SIGN_OF_LIFE);
    return () => clearInterval(timer);
  }, [state]);
  const end = () => {
    const known = latest.current;
    setState("cancelled");
    saveTransfer(undefined);
    if (known) cancel(known).catch(fail);
    // What is under way may still make the job, or save that a piece is done.
    const afterwards = async () => {
      if (isDone()) return;
      setState("cancelled");
      saveTransfer(undefined);
      if (latest.current && latest.current.job !== known?.job) await cancel(latest.current);
    };
    underWay.current = underWay.current.then(afterwards).catch(fail);
  };
  return { transfer, state, setState, error, end };
}

export function ImportProgress(props: Props) {
  const { file, startOver } = props;
  const { transfer, state, setState, error, end } = useTransfer(props);
  const isOpen = state === "running" || state === "paused" || state === "failed";
  return (
    <section>
      <h2>{file.name}</h2>
      <Progress of={(transfer?.offset ?? 0) / file.size} label={t("sending")} />
      <p role="status">
        {transfer && t("counts", { readings: formatCount(transfer.readings), wrong: formatCount(transfer.wrong) })}{" "}
        {state === "paused" && t("paused")}
        {state === "done" && t("finished")}
        {state === "cancelled" && t("cancelledElsewhere")}
      </p>
      <ErrorBox error={error} />
      <p class="links">
        {state === "running" && (
          <button type="button" onClick={() => setState("paused")}>
            {t("pause")}
          </button>
        )}
        {(state === "paused" || state === "failed") && (
          <button type="button" onClick={() => setState("running")}>
            {t("goOn")}
          </button>
        )}
        {isOpen ? (
          <button type="button" onClick={end}>
            {t("cancel")}
          </button>
        ) : (
          <button type="button" onClick={startOver}>
            {t("another")}
          </button>
        )}
      </p>
      {transfer && transfer.wrongLines.length > 0 && (
        <>
          <h2>{t("wrongLines")}</h2>
          <ul class="mono wrong-lines">
            {transfer.wrongLines.map((line, index) => (
              <li key={index}>{line}</li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
