// The form of a new key, with its scopes as a matrix.

import { graph } from "../../api/graph.ts";
import { Field } from "../../ui/Field.tsx";
import { useForm } from "../../ui/form.ts";
import { FormDialog } from "../../ui/FormDialog.tsx";
import { CREATE_KEY } from "./queries.ts";
import { type Grant, type Grants, isThere, keyInput, NEW_KEY, NOUNS } from "./scopes.ts";
import { t } from "./words.ts";

const CHOICES: { grant: Grant; word: "noScope" | "reads" | "writes" }[] = [
  { grant: "", word: "noScope" },
  { grant: "read", word: "reads" },
  { grant: "write", word: "writes" },
];

function Matrix({ grants, set }: { grants: Grants; set: (grants: Grants) => void }) {
  return (
    <div class="table-wrap">
      <table class="matrix">
        <thead>
          <tr>
            <th scope="col">{t("noun")}</th>
            {CHOICES.map(({ word }) => (
              <th scope="col" key={word}>
                {t(word)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {NOUNS.map((noun) => (
            <tr key={noun}>
              <th scope="row" class="mono">
                {noun}
              </th>
              {CHOICES.map(({ grant, word }) => (
                <td key={word}>
                  {isThere(noun, grant) && (
                    <input
                      type="radio"
                      name={`scope-${noun}`}
                      aria-label={t("scopeOf", { noun, action: t(word) })}
                      checked={(grants[noun] ?? "") === grant}
                      onChange={() => set({ ...grants, [noun]: grant })}
                    />
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const FIELDS = ["name", "scopes", "expiresAt", "allowedDevices", "allowedData"];

export function NewKey({ close, done }: { close: () => void; done: (made: { name: string; secret: string }) => void }) {
  const form = useForm(NEW_KEY, async (values) => {
    const { input, errors } = keyInput(values, t("wrongIds"));
    if (errors.length > 0) return errors;
    const { createKey } = await graph(CREATE_KEY, { input });
    if (createKey.key && createKey.secret !== null) done({ name: createKey.key.name, secret: createKey.secret });
    return createKey.errors;
  });
  const { values, set, errorOf } = form;
  return (
    <FormDialog title={t("newKey")} form={form} fields={FIELDS} action={t("create")} close={close}>
      <Field label={t("keyName")} error={errorOf("name")}>
        <input value={values.name} maxLength={100} autocomplete="off" onInput={(event) => set({ name: event.currentTarget.value })} />
      </Field>
      <fieldset>
        <legend>{t("scopes")}</legend>
        <Matrix grants={values.grants} set={(grants) => set({ grants })} />
        {errorOf("scopes") && <p class="error-text">{errorOf("scopes")}</p>}
      </fieldset>
      <Field label={t("expires")} hint={t("expiresNote")} error={errorOf("expiresAt")}>
        <input type="datetime-local" value={values.expires} onInput={(event) => set({ expires: event.currentTarget.value })} />
      </Field>
      <Field label={t("onlyDevices")} hint={t("onlyDevicesNote")} error={errorOf("allowedDevices")}>
        <input value={values.devices} inputMode="numeric" onInput={(event) => set({ devices: event.currentTarget.value })} />
      </Field>
      <Field label={t("onlyStreams")} hint={t("onlyStreamsNote")} error={errorOf("allowedData")}>
        <input value={values.streams} inputMode="numeric" onInput={(event) => set({ streams: event.currentTarget.value })} />
      </Field>
    </FormDialog>
  );
}
