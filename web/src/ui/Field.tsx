// A field of a form with its label, a hint and what is wrong with it.

import { cloneElement, type VNode } from "preact";
import { useId, useState } from "preact/hooks";
import type { UserError } from "../api/graph.ts";

interface Props {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  children: VNode<any>;
}

export function Field({ label, hint, error, children }: Props) {
  const id = useId();
  const described = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ");
  const input = cloneElement(children, { id, "aria-invalid": error ? "true" : undefined, "aria-describedby": described || undefined });
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {input}
      {hint && (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {error && (
        <span class="error-text" role="alert" id={`${id}-error`}>
          {error}
        </span>
      )}
    </div>
  );
}

/** The mistakes that the server found in a form, by field. */
export function useFieldErrors() {
  const [errors, setErrors] = useState<UserError[]>([]);
  const words = (found: UserError[]) => found.map(({ message }) => message).join(" ");
  return {
    /** Shows these mistakes; whether there are any. */
    take(found: UserError[]): boolean {
      setErrors(found);
      return found.length > 0;
    },
    of: (field: string): string | undefined => words(errors.filter((error) => error.field === field)) || undefined,
    /** Mistakes of no field of the form. */
    rest(fields: string[]) {
      const text = words(errors.filter(({ field }) => field === null || !fields.includes(field)));
      return text ? (
        <p class="error-text" role="alert">
          {text}
        </p>
      ) : null;
    },
  };
}
