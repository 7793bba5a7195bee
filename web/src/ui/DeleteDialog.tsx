// Asks for a name before something is gone.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { t } from "../words/index.ts";
import { Modal } from "./Modal.tsx";

interface DeleteProps {
  title: string;
  /** Name that has to be typed. */
  name: string;
  /** Text on what goes with it. */
  children: ComponentChildren;
  remove: () => void;
  isRunning: boolean;
  close: () => void;
}

/** Says what goes, and goes on only when the name has been typed. */
export function DeleteDialog({ title, name, children, remove, isRunning, close }: DeleteProps) {
  const [typed, setTyped] = useState("");
  return (
    <Modal title={title} close={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (typed === name) remove();
        }}
      >
        {children}
        <label class="field">
          <span>{t("typeName", { name })}</span>
          <input value={typed} onInput={(event) => setTyped(event.currentTarget.value)} autocomplete="off" spellcheck={false} />
        </label>
        <p class="links">
          <button class="danger" disabled={typed !== name || isRunning}>
            {t("delete")}
          </button>
          <button type="button" onClick={close}>
            {t("cancel")}
          </button>
        </p>
      </form>
    </Modal>
  );
}
