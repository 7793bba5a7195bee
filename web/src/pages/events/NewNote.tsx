// A note to a time: an event that somebody writes.

import { useState } from "preact/hooks";
import { graph, type UserError } from "../../api/graph.ts";
import { useAction } from "../../ui/ask.ts";
import { Field, useFieldErrors } from "../../ui/Field.tsx";
import { Modal } from "../../ui/Modal.tsx";
import { ErrorBox } from "../../ui/parts.tsx";
import { localTime } from "./density.ts";
import { ADD_NOTE } from "./queries.ts";
import { t } from "./words.ts";

export function NewNote({ close, done }: { close: () => void; done: () => void }) {
  const [message, setMessage] = useState("");
  const [time, setTime] = useState(() => localTime(Date.now()));
  const { run, error, isRunning } = useAction();
  const wrong = useFieldErrors();
  const work = async () => {
    const at = new Date(time);
    const timestamp = Number.isNaN(at.getTime()) ? new Date().toISOString() : at.toISOString();
    const { createEvent } = await graph<{ createEvent: { errors: UserError[] } }>(ADD_NOTE, { message, timestamp });
    if (!wrong.take(createEvent.errors)) done();
  };
  return (
    <Modal title={t("addNote")} close={close}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          run(work);
        }}
      >
        <Field label={t("noteText")} error={wrong.of("message")}>
          <textarea value={message} maxLength={4000} required onInput={(event) => setMessage(event.currentTarget.value)} />
        </Field>
        <Field label={t("addNoteTime")} error={wrong.of("timestamp")}>
          <input type="datetime-local" step={1} value={time} required onInput={(event) => setTime(event.currentTarget.value)} />
        </Field>
        {wrong.rest(["message", "timestamp"])}
        <ErrorBox error={error} />
        <div class="buttons">
          <button class="primary" disabled={isRunning}>
            {t("save")}
          </button>
          <button type="button" onClick={close}>
            {t("cancel")}
          </button>
        </div>
      </form>
    </Modal>
  );
}
