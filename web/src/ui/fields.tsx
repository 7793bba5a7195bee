// Fields of forms with what the server says is wrong with each, found by their names.

import type { UserError } from "../api/graph.ts";
import { Field } from "./Field.tsx";
import { errorOf, otherErrors } from "./form.ts";

interface Common {
  /** Name of the field in the input of a mutation, by which its errors are found. */
  name: string;
  label: string;
  errors?: UserError[];
  hint?: string | undefined;
}

interface TextProps extends Common {
  value: string;
  change: (value: string) => void;
  isPassword?: boolean;
  /** Shown as a decimal keyboard on a phone. */
  isNumber?: boolean;
  isRequired?: boolean;
  placeholder?: string;
}

export function TextField({ name, label, errors, hint, value, change, isPassword = false, isNumber = false, isRequired = false, placeholder = "" }: TextProps) {
  const shared = {
    value,
    placeholder,
    required: isRequired,
    spellcheck: false,
    onInput: (event: { currentTarget: HTMLInputElement }) => change(event.currentTarget.value),
  };
  return (
    <Field label={label} hint={hint} error={errorOf(errors, name)}>
      {isPassword ? (
        <input {...shared} type="password" autocomplete="new-password" />
      ) : (
        <input {...shared} type="text" autocomplete="off" inputMode={isNumber ? "decimal" : "text"} />
      )}
    </Field>
  );
}

interface SelectProps<T extends string> extends Common {
  value: T;
  change: (value: T) => void;
  options: readonly (readonly [T, string])[];
}

export function SelectField<T extends string>({ name, label, errors, hint, value, change, options }: SelectProps<T>) {
  return (
    <Field label={label} hint={hint} error={errorOf(errors, name)}>
      <select value={value} onChange={(event) => change(event.currentTarget.value as T)}>
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </Field>
  );
}

export function CheckField({ label, value, change }: { label: string; value: boolean; change: (value: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={value} onChange={(event) => change(event.currentTarget.checked)} /> {label}
    </label>
  );
}

/** Errors that belong to none of the fields that are shown. */
export function OtherErrors({ errors, fields }: { errors: UserError[]; fields: readonly string[] }) {
  const rest = otherErrors(errors, fields);
  if (rest.length === 0) return null;
  return (
    <div class="error-box" role="alert">
      {rest.map(({ field, message }) => (
        <p key={`${field}${message}`}>
          {field && <strong>{field}: </strong>}
          {message}
        </p>
      ))}
    </div>
  );
}
