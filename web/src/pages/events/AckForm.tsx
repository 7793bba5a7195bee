// Acknowledges events, with a note for those who come after.

import { useState } from "preact/hooks";
import { useAction } from "../../ui/request.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import { acknowledge } from "./acknowledge.ts";
import { t } from "./words.ts";

export function AckForm({ ids, label, done }: { ids: number[]; label: string; done: () => void }) {
  const [note, setNote] = useState("");
  const { run, error, isRunning } = useAction();
  return (
    <form
      class="many"
      onSubmit={(event) => {
        event.preventDefault();
        run(() => acknowledge(ids, note).then(done));
      }}
    >
      <input aria-label={t("note")} placeholder={t("note")} value={note} maxLength={4000} onInput={(event) => setNote(event.currentTarget.value)} />
      <button disabled={isRunning}>{label}</button>
      <ErrorBox error={error} />
    </form>
  );
}
