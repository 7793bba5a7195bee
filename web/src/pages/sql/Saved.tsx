// The person's own questions: listed beside the named queries, saved, renamed and deleted.

import { useState } from "preact/hooks";
import { changePreference, loadPreferences } from "../../api/preferences.ts";
import { me } from "../../shell/session.ts";
import { useAction, useRequest } from "../../ui/request.ts";
import { Field } from "../../ui/Field.tsx";
import { Modal } from "../../ui/Modal.tsx";
import { ErrorBox } from "../../ui/parts.tsx";
import { QUESTIONS, questionsIn, renamed, type SavedQuestion, withQuestion, without } from "./saved.ts";
import { t } from "./words.ts";

type Change = (stored: unknown) => SavedQuestion[];

/** Only a person has preferences: a key has none. */
export function maySave(): boolean {
  return me.value?.kind === "user";
}

/** The questions of the person, and a way to change them. */
export function useSaved() {
  const { data, error, reload, change } = useRequest(async (signal) => (maySave() ? questionsIn((await loadPreferences(signal))[QUESTIONS]) : []), []);
  const store = async (changed: Change) => {
    const stored = questionsIn((await changePreference(QUESTIONS, changed))[QUESTIONS]);
    change(() => stored);
  };
  return { questions: data, error, reload, store };
}

export type SavedQuestions = ReturnType<typeof useSaved>;

interface DialogProps {
  saved: SavedQuestions;
  /** The question to be renamed or deleted; undefined to save the statement under a new name. */
  question: SavedQuestion | undefined;
  statement: string;
  close: () => void;
}

export function QuestionDialog({ saved, question, statement, close }: DialogProps) {
  const [name, setName] = useState(question?.name ?? "");
  const { run, error, isRunning } = useAction();
  const given = name.trim();
  const isTaken = given !== question?.name && (saved.questions ?? []).some((other) => other.name === given);
  const finish = (changed: Change) =>
    run(async () => {
      await saved.store(changed);
      close();
    });
  return (
    <Modal title={question ? t("editQuestion", { name: question.name }) : t("saveQuestion")} close={close}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          finish((stored) => (question ? renamed(stored, question.name, given) : withQuestion(stored, { name: given, query: statement })));
        }}
      >
        <Field label={t("name")} hint={isTaken ? t("questionReplaced") : undefined}>
          <input value={name} maxLength={100} required pattern=".*\S.*" autocomplete="off" onInput={(event) => setName(event.currentTarget.value)} />
        </Field>
        <ErrorBox error={error} />
        <div class="buttons">
          <button class="primary" disabled={isRunning}>
            {t("save")}
          </button>
          {question && (
            <button type="button" class="danger" disabled={isRunning} onClick={() => finish((stored) => without(stored, question.name))}>
              {t("delete")}
            </button>
          )}
          <button type="button" onClick={close}>
            {t("cancel")}
          </button>
        </div>
      </form>
    </Modal>
  );
}

export function SavedList({ saved, put }: { saved: SavedQuestions; put: (text: string) => void }) {
  const [edited, setEdited] = useState<SavedQuestion>();
  const { questions, error, reload } = saved;
  return (
    <details open>
      <summary>{t("savedQuestions")}</summary>
      <ErrorBox error={error} again={reload} />
      {questions?.length === 0 && <p class="muted small">{t("savedNone")}</p>}
      <ul id="saved">
        {questions?.map((question) => (
          <li key={question.name} class="saved-question">
            <button type="button" title={question.query} onClick={() => put(question.query)}>
              {question.name}
            </button>
            <button type="button" aria-label={t("editQuestion", { name: question.name })} onClick={() => setEdited(question)}>
              {t("edit")}
            </button>
          </li>
        ))}
      </ul>
      {edited && <QuestionDialog key={edited.name} saved={saved} question={edited} statement={edited.query} close={() => setEdited(undefined)} />}
    </details>
  );
}
