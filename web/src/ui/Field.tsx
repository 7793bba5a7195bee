// A field of a form with its label, a hint and what is wrong with it.

import { cloneElement, type VNode } from "preact";
import { useId } from "preact/hooks";

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
