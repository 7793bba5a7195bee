// The license, and the file by which one is asked for.

import { send } from "../../api/http.ts";
import { useAction, useRequest } from "../../ui/request.ts";
import { saveFile } from "../../ui/file.ts";
import { dateTime, formatCount } from "../../ui/format.ts";
import { Busy, ErrorBox } from "../../ui/parts.tsx";
import { t } from "./words.ts";

interface LicenseState {
  mode: "licensed" | "evaluation";
  problem: string | null;
  license: { license_id: string; customer: string; features: string[]; max_devices: number | null; expires_at: string | null } | null;
  devices: number;
}

async function load(signal: AbortSignal): Promise<LicenseState> {
  return (await send("/api/license/", { signal })).json();
}

async function saveRequest(): Promise<void> {
  saveFile(await (await send("/api/license/activation-request/")).blob(), "activation-request.json");
}

function Facts({ state }: { state: LicenseState }) {
  const { license } = state;
  const used = formatCount(state.devices);
  return (
    <dl class="facts">
      <dt>{t("licenseMode")}</dt>
      <dd>{t(state.mode)}</dd>
      <dt>{t("devicesUsed")}</dt>
      <dd>{license?.max_devices == null ? used : t("ofMost", { used, most: formatCount(license.max_devices) })}</dd>
      {license && (
        <>
          <dt>{t("customer")}</dt>
          <dd>{license.customer}</dd>
          <dt>{t("validUntil")}</dt>
          <dd>{license.expires_at === null ? t("forever") : dateTime(Date.parse(license.expires_at))}</dd>
        </>
      )}
    </dl>
  );
}

export function License() {
  const { data, error, isBusy, reload } = useRequest(load, []);
  const saving = useAction();
  return (
    <section>
      <Busy isBusy={isBusy} />
      <h2>{t("license")}</h2>
      <ErrorBox error={error} again={reload} />
      {data?.problem && <p class="error-text">{data.problem}</p>}
      {data && (
        <>
          <Facts state={data} />
          <p class="links">
            <button type="button" disabled={saving.isRunning} onClick={() => saving.run(saveRequest)}>
              {t("activation")}: {t("saveFile")}
            </button>
            <span class="muted small">{t("activationNote")}</span>
          </p>
          <ErrorBox error={saving.error} />
        </>
      )}
    </section>
  );
}
