// One question at a time: asked, answered or cancelled.

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, isAborted } from "../../api/http.ts";
import { type Answer, ask } from "./answer.ts";
import type { Question } from "./statement.ts";

/** Most rows that the table shows: a longer answer is cut off there, and a download has all of it. */
const MAX_ROWS = 10_000;

export interface Asked {
  state: "none" | "asking" | "answered" | "failed" | "cancelled";
  answer?: Answer;
  error?: ApiError;
  /** How long it took, milliseconds. */
  took?: number;
}

export function useQuestion() {
  const [asked, setAsked] = useState<Asked>({ state: "none" });
  const control = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => control.current?.abort(), []);
  const run = async (question: Question) => {
    control.current?.abort();
    const own = new AbortController();
    control.current = own;
    setAsked({ state: "asking" });
    const began = performance.now();
    try {
      const answer = await ask(question, MAX_ROWS, own.signal);
      if (control.current === own) setAsked({ state: "answered", answer, took: Math.round(performance.now() - began) });
    } catch (failure) {
      if (control.current !== own) return;
      if (isAborted(failure)) setAsked({ state: "cancelled" });
      else setAsked({ state: "failed", error: failure instanceof ApiError ? failure : new ApiError(String(failure), 0) });
    }
  };
  return { asked, run, cancel: () => control.current?.abort() };
}
