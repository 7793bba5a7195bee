// Asks before a rule or a channel is deleted.

import { checkErrors, type Document, graph } from "../../api/graph.ts";
import { useAction } from "../../ui/request.ts";
import { Modal } from "../../ui/Modal.tsx";
import { ErrorBox } from "../../ui/parts.tsx";
import { t } from "./words.ts";

interface Props {
  title: string;
  note: string;
  mutation: Document<"DeleteRule"> | Document<"DeleteChannel">;
  uuid: string;
  close: () => void;
  done: () => void;
}

export function Delete({ title, note, mutation, uuid, close, done }: Props) {
  const { run, error, isRunning } = useAction();
  const work = async () => {
    const answer = await graph(mutation, { uuid });
    for (const { errors } of Object.values(answer)) checkErrors(errors);
    done();
  };
  return (
    <Modal title={title} close={close}>
      <p>{note}</p>
      <ErrorBox error={error} />
      <div class="links">
        <button type="button" class="danger" disabled={isRunning} onClick={() => run(work)}>
          {t("delete")}
        </button>
        <button type="button" onClick={close}>
          {t("cancel")}
        </button>
      </div>
    </Modal>
  );
}
