// Users: who may log in, and what they may do.

import { useState } from "preact/hooks";
import { all } from "../../api/all.ts";
import { checkErrors, graph } from "../../api/graph.ts";
import { me } from "../../shell/session.ts";
import { useAction, useRequest } from "../../ui/request.ts";
import { Field } from "../../ui/Field.tsx";
import { dateTime } from "../../ui/format.ts";
import { Modal } from "../../ui/Modal.tsx";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { DELETE_USER, USERS } from "./queries.ts";
import { ROLE_WORDS, type User } from "./user.ts";
import { UserForm } from "./UserForm.tsx";
import { t } from "./words.ts";

function Delete({ user, close, done }: { user: User; close: () => void; done: () => void }) {
  const [typed, setTyped] = useState("");
  const { run, error, isRunning } = useAction();
  const work = async () => {
    const { deleteUser } = await graph(DELETE_USER, { id: user.rowId });
    checkErrors(deleteUser.errors);
    done();
  };
  return (
    <Modal title={t("deleteUser", { name: user.username })} close={close}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          run(work);
        }}
      >
        <p>{t("deleteAsk")}</p>
        <Field label={t("name")}>
          <input value={typed} autocomplete="off" onInput={(event) => setTyped(event.currentTarget.value)} />
        </Field>
        <ErrorBox error={error} />
        <div class="buttons">
          <button class="danger" disabled={isRunning || typed !== user.username}>
            {t("delete")}
          </button>
          <button type="button" onClick={close}>
            {t("cancel")}
          </button>
        </div>
      </form>
    </Modal>
  );
}

function Row({ user, edit, remove }: { user: User; edit: () => void; remove: () => void }) {
  return (
    <tr>
      <th scope="row">{user.username}</th>
      <td>{t(ROLE_WORDS[user.role])}</td>
      <td>{user.enabled ? t("yes") : t("no")}</td>
      <td class="nowrap">{dateTime(Math.floor(Date.parse(user.createdAt) / 1000) * 1000)}</td>
      <td class="nowrap">
        <button type="button" aria-label={t("editUser", { name: user.username })} onClick={edit}>
          {t("edit")}
        </button>{" "}
        {user.username !== me.value?.username && (
          <button type="button" aria-label={t("deleteUser", { name: user.username })} onClick={remove}>
            {t("delete")}
          </button>
        )}
      </td>
    </tr>
  );
}

type Open = { form: "new" } | { form: "edit" | "delete"; user: User };

export function Users() {
  const { data, error, isBusy, reload } = useRequest((signal) => all((after) => graph(USERS, { after }, signal).then(({ users }) => users)), []);
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const done = () => {
    close();
    reload();
  };
  return (
    <section>
      <Busy isBusy={isBusy} />
      <ErrorBox error={error} again={reload} />
      {data && (
        <p class="links">
          <button type="button" class="primary" onClick={() => setOpen({ form: "new" })}>
            {t("newUser")}
          </button>
        </p>
      )}
      {data?.length === 0 && <Empty title={t("usersNone")} />}
      {data && data.length > 0 && (
        <div class="table-wrap" tabIndex={0} role="region" aria-label={t("users")}>
          <table>
            <thead>
              <tr>
                {(["name", "role", "mayLogIn", "created"] as const).map((word) => (
                  <th scope="col" key={word}>
                    {t(word)}
                  </th>
                ))}
                <td />
              </tr>
            </thead>
            <tbody>
              {data.map((user) => (
                <Row key={user.rowId} user={user} edit={() => setOpen({ form: "edit", user })} remove={() => setOpen({ form: "delete", user })} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {open?.form === "new" && <UserForm close={close} done={done} />}
      {open?.form === "edit" && <UserForm user={open.user} close={close} done={done} />}
      {open?.form === "delete" && <Delete user={open.user} close={close} done={done} />}
    </section>
  );
}
