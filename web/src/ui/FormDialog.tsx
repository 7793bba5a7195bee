// A form with its mistakes and its buttons, in a dialog or as a part of one.

import type { ComponentChildren } from "preact";
import { t } from "../words/index.ts";
import { type Form, otherErrors } from "./form.ts";
import { Modal } from "./Modal.tsx";
import { ErrorBox } from "./parts.tsx";

interface BodyProps {
  form: Form<any>;
  /** Names of the fields that show their mistakes themselves. */
  fields: readonly string[];
  /** Label of the button that sends the form. */
  action: string;
  close: () => void;
  /** Whether the browser checks the fields before anything is sent; else the server alone does. */
  isChecked?: boolean;
  children: ComponentChildren;
}

/** Mistakes of no field that is shown. */
export function FormErrors({ form, fields }: { form: Form<any>; fields: readonly string[] }) {
  const text = otherErrors(form.errors, fields).map(({ message }) => message).join(" ");
  return text ? (
    <p class="error-text" role="alert">
      {text}
    </p>
  ) : null;
}

export function FormBody({ form, fields, action, close, isChecked = false, children }: BodyProps) {
  return (
    <form class="form" noValidate={!isChecked} onSubmit={form.submit}>
      {children}
      <FormErrors form={form} fields={fields} />
      <ErrorBox error={form.failure} />
      <div class="buttons">
        <button class="primary" disabled={form.isRunning}>
          {action}
        </button>
        <button type="button" onClick={close}>
          {t("cancel")}
        </button>
      </div>
    </form>
  );
}

export function FormDialog({ title, ...body }: BodyProps & { title: string }) {
  return (
    <Modal title={title} close={body.close}>
      <FormBody {...body} />
    </Modal>
  );
}
