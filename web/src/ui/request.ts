// Data for a component: requested when its parameters change, the old kept until the new is there.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, isAborted } from "../api/http.ts";

/** State of a request that is repeated. */
export interface RequestState<T> {
  data: T | undefined;
  error: ApiError | undefined;
  /** Whether an answer has been waited for so long that it should be said. */
  isBusy: boolean;
  reload: () => void;
  /** Reloads soon. Many calls at once are one request; steady ones put it off no longer than that, and give up no request that is under way. */
  reloadSoon: () => void;
  /** Puts in what is known to be true without a request, also into the answer to one that is under way: it may be of before. */
  change: (changed: (data: T) => T) => void;
}

/** Waiting that is shorter is not worth a sign. */
const NOTICED = 200;
/** Time within which all that happens is one request, in milliseconds. */
const SOON = 300;

function asError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(String(error), 0);
}

/** Requests data by `load` whenever one of `inputs` changes, and every `repeat` milliseconds if that is given. */
export function useRequest<T>(load: (signal: AbortSignal) => Promise<T>, inputs: unknown[], repeat = 0): RequestState<T> {
  const [data, setData] = useState<T>();
  const [error, setError] = useState<ApiError>();
  const [isBusy, setBusy] = useState(false);
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  /** Changes that were put in since the request was sent that is under way. */
  const meanwhile = useRef<((data: T) => T)[] | undefined>(undefined);
  useEffect(() => {
    const control = new AbortController();
    const changes: ((data: T) => T)[] = [];
    meanwhile.current = changes;
    const noticed = setTimeout(() => setBusy(true), NOTICED);
    let again: ReturnType<typeof setTimeout> | undefined;
    const done = () => {
      meanwhile.current = undefined;
      clearTimeout(noticed);
      setBusy(false);
      if (repeat > 0) again = setTimeout(() => setTurn((before) => before + 1), repeat);
    };
    latest.current(control.signal).then(
      (answer) => {
        if (control.signal.aborted) return;
        setData(changes.reduce((known, changed) => changed(known), answer));
        setError(undefined);
        done();
      },
      (failure: unknown) => {
        if (control.signal.aborted || isAborted(failure)) return;
        setError(asError(failure));
        done();
      },
    );
    return () => {
      clearTimeout(noticed);
      clearTimeout(again);
      control.abort();
    };
  }, [...inputs, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const reloadSoon = useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      // What is under way is answered first, however long that takes.
      if (meanwhile.current) reloadSoon();
      else reload();
    }, SOON);
  }, []);
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = useCallback((changed: (data: T) => T) => {
    meanwhile.current?.push(changed);
    setData((before) => before && changed(before));
  }, []);
  return { data, error, isBusy, reload, reloadSoon, change };
}

/** Runs work that a button starts, and keeps what went wrong. */
export function useAction(): { run: (work: () => Promise<void>) => void; error: ApiError | undefined; isRunning: boolean } {
  const [error, setError] = useState<ApiError>();
  const [isRunning, setRunning] = useState(false);
  const run = useCallback((work: () => Promise<void>) => {
    setRunning(true);
    work()
      .then(() => setError(undefined))
      .catch((failure: unknown) => setError(asError(failure)))
      .finally(() => setRunning(false));
  }, []);
  return { run, error, isRunning };
}
