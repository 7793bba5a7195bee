// API keys: who has which, and an end to them. The secret of a new one is shown once.

import { useState } from "preact/hooks";
import { all } from "../../api/all.ts";
import { checkErrors, graph, type Data } from "../../api/graph.ts";
import { useAction, useRequest } from "../../ui/request.ts";
import { CopyButton } from "../../ui/CopyButton.tsx";
import { dateTime } from "../../ui/format.ts";
import { Modal } from "../../ui/Modal.tsx";
import { Age, Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { NewKey } from "./NewKey.tsx";
import { KEYS, REVOKE_KEY } from "./queries.ts";
import { t } from "./words.ts";

export type ApiKey = Data<"Keys">["keys"]["nodes"][number];

function statusOf(key: ApiKey): string {
  if (!key.enabled) return t("revoked");
  if (key.expiresAt !== null && Date.parse(key.expiresAt) <= Date.now()) return t("expired");
  return t("valid");
}

function KeyRestrictions({ apiKey }: { apiKey: ApiKey }) {
  const count = (ids: string[] | null) => (ids === null ? t("everything") : ids.length);
  if (apiKey.allowedDevices === null && apiKey.allowedData === null) return null;
  return (
    <span class="muted">
      {" "}
      ({t("narrowed", { devices: count(apiKey.allowedDevices), streams: count(apiKey.allowedData) })}
      {apiKey.allowedDashboards !== null && `, ${t("narrowedBoards", { boards: apiKey.allowedDashboards.length })}`})
    </span>
  );
}

function Row({ apiKey, revoke }: { apiKey: ApiKey; revoke: () => void }) {
  return (
    <tr>
      <th scope="row">{apiKey.name}</th>
      <td class="mono">{apiKey.prefix}</td>
      <td class="scopes-words small">
        {apiKey.scopes.join(", ")}
        <KeyRestrictions apiKey={apiKey} />
      </td>
      <td>{statusOf(apiKey)}</td>
      <td class="number">
        <Age of={apiKey.lastUsedAt} />
      </td>
      <td class="nowrap">{apiKey.expiresAt === null ? "–" : dateTime(Date.parse(apiKey.expiresAt))}</td>
      <td>
        {apiKey.enabled && (
          <button type="button" aria-label={t("revokeKey", { name: apiKey.name })} onClick={revoke}>
            {t("revoke")}
          </button>
        )}
      </td>
    </tr>
  );
}

function Revoke({ apiKey, close, done }: { apiKey: ApiKey; close: () => void; done: () => void }) {
  const { run, error, isRunning } = useAction();
  const work = async () => {
    const { revokeKey } = await graph(REVOKE_KEY, { id: apiKey.rowId });
    checkErrors(revokeKey.errors);
    done();
  };
  return (
    <Modal title={t("revokeKey", { name: apiKey.name })} close={close}>
      <p>{t("revokeAsk", { name: apiKey.name })}</p>
      <ErrorBox error={error} />
      <div class="links">
        <button type="button" class="danger" disabled={isRunning} onClick={() => run(work)}>
          {t("revoke")}
        </button>
        <button type="button" onClick={close}>
          {t("cancel")}
        </button>
      </div>
    </Modal>
  );
}

/** A new secret, until the page is left. */
function Secret({ name, secret }: { name: string; secret: string }) {
  return (
    <div class="secret" role="status">
      <p>{t("secretOnce", { name })}</p>
      <code>{secret}</code>
      <CopyButton text={secret} label={t("copySecret")} />
    </div>
  );
}

function List({ keys, revoke }: { keys: ApiKey[]; revoke: (key: ApiKey) => void }) {
  const columns = ["name", "prefix", "scopes", "status", "lastUsed", "expires"] as const;
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label={t("keys")}>
      <table>
        <thead>
          <tr>
            {columns.map((word) => (
              <th scope="col" key={word} class={word === "lastUsed" ? "number" : ""}>
                {t(word)}
              </th>
            ))}
            <td />
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <Row key={key.rowId} apiKey={key} revoke={() => revoke(key)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Keys() {
  const { data, error, isBusy, reload } = useRequest((signal) => all((after) => graph(KEYS, { after }, signal).then(({ keys }) => keys)), []);
  const [made, setMade] = useState<{ name: string; secret: string }>();
  const [isAdding, setAdding] = useState(false);
  const [chosen, setChosen] = useState<ApiKey>();
  const finish = (key?: { name: string; secret: string }) => {
    setAdding(false);
    setChosen(undefined);
    if (key) setMade(key);
    reload();
  };
  return (
    <section>
      <Busy isBusy={isBusy} />
      <ErrorBox error={error} again={reload} />
      {made && <Secret {...made} />}
      {data && (
        <p class="links">
          <button type="button" class="primary" onClick={() => setAdding(true)}>
            {t("newKey")}
          </button>
        </p>
      )}
      {data?.length === 0 && <Empty title={t("keysNone")} note={t("keysNoneNote")} />}
      {data && data.length > 0 && <List keys={data} revoke={setChosen} />}
      {isAdding && <NewKey close={() => setAdding(false)} done={finish} />}
      {chosen && <Revoke apiKey={chosen} close={() => setChosen(undefined)} done={() => finish()} />}
    </section>
  );
}
