// One question at a time: asked, answered or cancelled.

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, isAborted } from "../../api/http.ts";
import { type Answer, runStatement } from "./answer.ts";
import type { Question } from "./statement.ts";

/** Most rows that the table shows: a longer answer is cut off there, and a download has all of it. */
const MAX_ROWS = 10_000;

export interface StatementRun {
  state: "none" | "asking" | "answered" | "failed" | "cancelled";
  answer?: Answer;
  error?: ApiError;
  /** How long it took, milliseconds. */
  took?: number;
}

export function useStatement() {
  const [current, setCurrent] = useState<StatementRun>({ state: "none" });
  const control = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => control.current?.abort(), []);
  const run = async (question: Question) => {
    control.current?.abort();
    const own = new AbortController();
    control.current = own;
    setCurrent({ state: "asking" });
    const began = performance.now();
    try {
      const answer = await runStatement(question, MAX_ROWS, own.signal);
      if (control.current === own) setCurrent({ state: "answered", answer, took: Math.round(performance.now() - began) });
    } catch (failure) {
      if (control.current !== own) return;
      if (isAborted(failure)) setCurrent({ state: "cancelled" });
      else setCurrent({ state: "failed", error: failure instanceof ApiError ? failure : new ApiError(String(failure), 0) });
    }
  };
  return { current, run, cancel: () => control.current?.abort() };
}
