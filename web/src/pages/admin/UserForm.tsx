// The form of a user, new or changed.

import { graph, type UserError } from "../../api/graph.ts";
import { Field } from "../../ui/Field.tsx";
import { useForm } from "../../ui/form.ts";
import { FormDialog } from "../../ui/FormDialog.tsx";
import { CREATE_USER, UPDATE_USER } from "./queries.ts";
import { changesOf, type Role, ROLE_WORDS, type User, type UserValues, valuesOf } from "./user.ts";
import { t } from "./words.ts";

const ROLES = ["viewer", "staff", "superuser", "none"] as const;
const NOTES = { none: "roleNoneNote", viewer: "roleViewerNote", staff: "roleStaffNote", superuser: "roleSuperuserNote" } as const;
const FIELDS = ["username", "password", "role", "enabled"];

async function save(user: User | undefined, values: UserValues): Promise<UserError[]> {
  const { username, password, role } = values;
  if (!user) return (await graph(CREATE_USER, { input: { username, password, role } })).createUser.errors;
  return (await graph(UPDATE_USER, { id: user.rowId, input: changesOf(user, values) })).updateUser.errors;
}

export function UserForm({ user, close, done }: { user?: User; close: () => void; done: () => void }) {
  const form = useForm(valuesOf(user), async (values) => {
    const errors = await save(user, values);
    if (errors.length === 0) done();
    return errors;
  });
  const { values, set, errorOf } = form;
  return (
    <FormDialog
      title={user ? t("editUser", { name: user.username }) : t("newUser")}
      form={form}
      fields={FIELDS}
      action={user ? t("save") : t("create")}
      close={close}
    >
      {!user && (
        <Field label={t("name")} error={errorOf("username")}>
          <input
            value={values.username}
            maxLength={150}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => set({ username: event.currentTarget.value })}
          />
        </Field>
      )}
      <Field label={user ? t("newPassword") : t("password")} hint={user && t("newPasswordNote")} error={errorOf("password")}>
        <input type="password" value={values.password} autocomplete="new-password" onInput={(event) => set({ password: event.currentTarget.value })} />
      </Field>
      <Field label={t("role")} hint={t(NOTES[values.role])} error={errorOf("role")}>
        <select value={values.role} onChange={(event) => set({ role: event.currentTarget.value as Role })}>
          {ROLES.map((one) => (
            <option key={one} value={one}>
              {t(ROLE_WORDS[one])}
            </option>
          ))}
        </select>
      </Field>
      {user && (
        <label class="check">
          <input type="checkbox" checked={values.enabled} onChange={(event) => set({ enabled: event.currentTarget.checked })} /> {t("mayLogIn")}
        </label>
      )}
    </FormDialog>
  );
}
