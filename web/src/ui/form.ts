// Forms: what is filled in, how it is sent, and the mistakes at its fields.

import { useState } from "preact/hooks";
import { ApiError, type UserError } from "../api/http.ts";
import { useAction } from "./request.ts";

/** The state of a form. */
export interface Form<T> {
  values: T;
  /** Changes some of the values. */
  set: (part: Partial<T>) => void;
  /** Mistakes that were found before sending, or by the server. */
  errors: UserError[];
  /** Shows these mistakes in place of others; whether there are any. */
  refuse: (found: UserError[]) => boolean;
  /** The mistakes of a field, as one text. */
  errorOf: (field: string) => string | undefined;
  /** Why the request itself failed. */
  failure: ApiError | undefined;
  isRunning: boolean;
  /** Does something else with the form, such as trying it, while it cannot be sent. */
  run: (work: () => Promise<void>) => void;
  /** Sends the form, for `onSubmit`. */
  submit: (event: { preventDefault: () => void }) => void;
}

/** The mistakes of a field, as one text; undefined if there are none. */
export function errorOf(errors: UserError[] | undefined, name: string): string | undefined {
  const own = (errors ?? []).filter(({ field }) => field === name);
  return own.map(({ message }) => message).join(" ") || undefined;
}

/** Mistakes that belong to none of the fields that are shown. */
export function otherErrors(errors: UserError[], fields: readonly string[]): UserError[] {
  return errors.filter(({ field }) => field === null || !fields.includes(field));
}

/** Texts that are no numbers, as mistakes at their fields; `values` are NaN for those. */
export function notNumbers(values: Record<string, number | null | undefined>, message: string): UserError[] {
  const wrong = Object.entries(values).filter(([, value]) => Number.isNaN(value));
  return wrong.map(([field]) => ({ field, message }));
}

/** The mistakes that REST tells of the fields of a request; another failure stays one. */
function mistakesIn(failure: unknown): UserError[] {
  if (failure instanceof ApiError && failure.fields.length > 0) return failure.fields;
  throw failure;
}

/** A form that begins with `initial`. `send` stores its values, says what comes next, and answers the mistakes in them. */
export function useForm<T extends object>(initial: T | (() => T), send: (values: T) => Promise<UserError[]>): Form<T> {
  const [values, setValues] = useState<T>(initial);
  const [errors, setErrors] = useState<UserError[]>([]);
  const { run, error, isRunning } = useAction();
  return {
    values,
    set: (part) => setValues((known) => ({ ...known, ...part })),
    errors,
    refuse: (found) => {
      setErrors(found);
      return found.length > 0;
    },
    errorOf: (field) => errorOf(errors, field),
    failure: error,
    isRunning,
    run,
    submit: (event) => {
      event.preventDefault();
      run(async () => setErrors(await send(values).catch(mistakesIn)));
    },
  };
}
