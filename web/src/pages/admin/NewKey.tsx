// The form of a new key, with its scopes as a matrix.

import { useState } from "preact/hooks";
import { graph, type UserError } from "../../api/graph.ts";
import { useAction } from "../../ui/ask.ts";
import { Modal } from "../../ui/Modal.tsx";
import { ErrorBox } from "../../ui/parts.tsx";
import { Field, useFieldErrors } from "../../ui/Field.tsx";
import { CREATE_KEY } from "./queries.ts";
import { type Grant, type Grants, isThere, NOUNS, parseIds, scopesOf } from "./scopes.ts";
import { t } from "./words.ts";

interface Made {
  createKey: { secret: string | null; key: { name: string } | null; errors: UserError[] };
}

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

export function NewKey({ close, done }: { close: () => void; done: (made: { name: string; secret: string }) => void }) {
  const [name, setName] = useState("");
  const [grants, setGrants] = useState<Grants>({});
  const [expires, setExpires] = useState("");
  const [devices, setDevices] = useState("");
  const [streams, setStreams] = useState("");
  const { run, error, isRunning } = useAction();
  const wrong = useFieldErrors();
  const work = async () => {
    const [allowedDevices, allowedData] = [parseIds(devices), parseIds(streams)];
    const own: UserError[] = [];
    if (allowedDevices === undefined) own.push({ field: "allowedDevices", message: t("wrongIds") });
    if (allowedData === undefined) own.push({ field: "allowedData", message: t("wrongIds") });
    if (wrong.take(own)) return;
    const input = { name, scopes: scopesOf(grants), allowedDevices, allowedData, expiresAt: expires ? new Date(expires).toISOString() : null };
    const { createKey } = await graph<Made>(CREATE_KEY, { input });
    if (wrong.take(createKey.errors) || !createKey.key || createKey.secret === null) return;
    done({ name: createKey.key.name, secret: createKey.secret });
  };
  return (
    <Modal title={t("newKey")} close={close}>
      <form
        class="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          run(work);
        }}
      >
        <Field label={t("keyName")} error={wrong.of("name")}>
          <input value={name} maxLength={100} autocomplete="off" onInput={(event) => setName(event.currentTarget.value)} />
        </Field>
        <fieldset>
          <legend>{t("scopes")}</legend>
          <Matrix grants={grants} set={setGrants} />
          {wrong.of("scopes") && <p class="error-text">{wrong.of("scopes")}</p>}
        </fieldset>
        <Field label={t("expires")} hint={t("expiresNote")} error={wrong.of("expiresAt")}>
          <input type="datetime-local" value={expires} onInput={(event) => setExpires(event.currentTarget.value)} />
        </Field>
        <Field label={t("onlyDevices")} hint={t("onlyDevicesNote")} error={wrong.of("allowedDevices")}>
          <input value={devices} inputMode="numeric" onInput={(event) => setDevices(event.currentTarget.value)} />
        </Field>
        <Field label={t("onlyStreams")} hint={t("onlyStreamsNote")} error={wrong.of("allowedData")}>
          <input value={streams} inputMode="numeric" onInput={(event) => setStreams(event.currentTarget.value)} />
        </Field>
        {wrong.rest(["name", "scopes", "expiresAt", "allowedDevices", "allowedData"])}
        <ErrorBox error={error} />
        <div class="buttons">
          <button class="primary" disabled={isRunning}>
            {t("create")}
          </button>
          <button type="button" onClick={close}>
            {t("cancel")}
          </button>
        </div>
      </form>
    </Modal>
  );
}
