// The form of a user, new or changed.

import { useState } from "preact/hooks";
import { graph, type UserError } from "../../api/graph.ts";
import { useAction } from "../../ui/ask.ts";
import { Field, useFieldErrors } from "../../ui/Field.tsx";
import { Modal } from "../../ui/Modal.tsx";
import { ErrorBox } from "../../ui/parts.tsx";
import { CREATE_USER, UPDATE_USER } from "./queries.ts";
import type { User } from "./Users.tsx";
import { t } from "./words.ts";

export const ROLE_WORDS = { none: "roleNone", viewer: "roleViewer", staff: "roleStaff", superuser: "roleSuperuser" } as const;
export type Role = keyof typeof ROLE_WORDS;
const ROLES = ["viewer", "staff", "superuser", "none"] as const;
const NOTES = { none: "roleNoneNote", viewer: "roleViewerNote", staff: "roleStaffNote", superuser: "roleSuperuserNote" } as const;
const FIELDS = ["username", "password", "role", "enabled"];

type Errors = { errors: UserError[] };

async function save(user: User | undefined, form: { username: string; password: string; role: Role; enabled: boolean }): Promise<UserError[]> {
  const { username, password, role, enabled } = form;
  if (!user) return (await graph<{ createUser: Errors }>(CREATE_USER, { input: { username, password, role } })).createUser.errors;
  // Another role ends the sessions of the user: what is as it was is not sent.
  const input = { ...(password && { password }), ...(role !== user.role && { role }), ...(enabled !== user.enabled && { enabled }) };
  return (await graph<{ updateUser: Errors }>(UPDATE_USER, { id: user.rowId, input })).updateUser.errors;
}

export function UserForm({ user, close, done }: { user?: User; close: () => void; done: () => void }) {
  const [username, setUsername] = useState(user?.username ?? "");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<Role>(user?.role ?? "viewer");
  const [enabled, setEnabled] = useState(user?.enabled ?? true);
  const { run, error, isRunning } = useAction();
  const wrong = useFieldErrors();
  const work = async () => {
    if (!wrong.take(await save(user, { username, password, role, enabled }))) done();
  };
  return (
    <Modal title={user ? t("editUser", { name: user.username }) : t("newUser")} close={close}>
      <form
        class="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          run(work);
        }}
      >
        {!user && (
          <Field label={t("name")} error={wrong.of("username")}>
            <input value={username} maxLength={150} autocomplete="off" spellcheck={false} onInput={(event) => setUsername(event.currentTarget.value)} />
          </Field>
        )}
        <Field label={user ? t("newPassword") : t("password")} hint={user && t("newPasswordNote")} error={wrong.of("password")}>
          <input type="password" value={password} autocomplete="new-password" onInput={(event) => setPassword(event.currentTarget.value)} />
        </Field>
        <Field label={t("role")} hint={t(NOTES[role])} error={wrong.of("role")}>
          <select value={role} onChange={(event) => setRole(event.currentTarget.value as Role)}>
            {ROLES.map((one) => (
              <option key={one} value={one}>
                {t(ROLE_WORDS[one])}
              </option>
            ))}
          </select>
        </Field>
        {user && (
          <label class="check">
            <input type="checkbox" checked={enabled} onChange={(event) => setEnabled(event.currentTarget.checked)} /> {t("mayLogIn")}
          </label>
        )}
        {wrong.rest(FIELDS)}
        <ErrorBox error={error} />
        <div class="buttons">
          <button class="primary" disabled={isRunning}>
            {user ? t("save") : t("create")}
          </button>
          <button type="button" onClick={close}>
            {t("cancel")}
          </button>
        </div>
      </form>
    </Modal>
  );
}
