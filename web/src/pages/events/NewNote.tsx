// A note to a time: an event that somebody writes.

import { graph } from "../../api/graph.ts";
import { Field } from "../../ui/Field.tsx";
import { useForm } from "../../ui/form.ts";
import { FormDialog } from "../../ui/FormDialog.tsx";
import { localTime } from "./density.ts";
import { ADD_NOTE } from "./queries.ts";
import { t } from "./words.ts";

const FIELDS = ["message", "timestamp"];

export function NewNote({ close, done }: { close: () => void; done: () => void }) {
  const form = useForm(
    () => ({ message: "", time: localTime(Date.now()) }),
    async ({ message, time }) => {
      const at = new Date(time);
      const timestamp = Number.isNaN(at.getTime()) ? new Date().toISOString() : at.toISOString();
      const { errors } = (await graph(ADD_NOTE, { message, timestamp })).createEvent;
      if (errors.length === 0) done();
      return errors;
    },
  );
  const { values, set, errorOf } = form;
  return (
    <FormDialog title={t("addNote")} form={form} fields={FIELDS} action={t("save")} close={close} isChecked>
      <Field label={t("noteText")} error={errorOf("message")}>
        <textarea value={values.message} maxLength={4000} required onInput={(event) => set({ message: event.currentTarget.value })} />
      </Field>
      <Field label={t("addNoteTime")} error={errorOf("timestamp")}>
        <input type="datetime-local" step={1} value={values.time} required onInput={(event) => set({ time: event.currentTarget.value })} />
      </Field>
    </FormDialog>
  );
}
