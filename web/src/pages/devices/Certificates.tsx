// Certificates that OPC UA servers showed: nobody is trusted before somebody says so.

import { checkErrors, graph } from "../../api/graph.ts";
import { may } from "../../shell/session.ts";
import { useAction, useRequest } from "../../ui/request.ts";
import { dateTime } from "../../ui/format.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import { certificatesOf } from "./certificate.ts";
import { CERTIFICATES, DECIDE } from "./queries.ts";
import type { Certificate } from "./types.ts";
import { t } from "./words.ts";

const WORDS = { new: "certificateNew", trusted: "certificateTrusted", rejected: "certificateRejected" } as const;

function Row({ certificate, decide, isRunning }: { certificate: Certificate; decide: (state: "trusted" | "rejected") => void; isRunning: boolean }) {
  const { fingerprint, state, subject, validTo } = certificate;
  return (
    <li class="certificate">
      <p>
        <strong>{t(WORDS[state])}</strong> {subject}
      </p>
      <p class="mono small">{fingerprint}</p>
      {validTo && <p class="muted small">{t("validTo", { time: dateTime(Date.parse(validTo)) })}</p>}
      {may("system:write") && (
        <p class="links">
          {state !== "trusted" && (
            <button type="button" disabled={isRunning} onClick={() => decide("trusted")}>
              {t("trust")}
            </button>
          )}
          {state !== "rejected" && (
            <button type="button" disabled={isRunning} onClick={() => decide("rejected")}>
              {t("reject")}
            </button>
          )}
        </p>
      )}
    </li>
  );
}

/** `state` is that of the device: when it changes, the server may have shown another one. */
export function Certificates({ device, state }: { device: number; state: string }) {
  const { data, error, reload } = useRequest(async (signal) => (await graph(CERTIFICATES, {}, signal)).opcuaCertificates, [device, state], 30_000);
  const action = useAction();
  const decide = async (fingerprint: string, state: Certificate["state"]) => {
    checkErrors((await graph(DECIDE, { fingerprint, state })).setOpcuaCertificateState.errors);
    reload();
  };
  const own = certificatesOf(data ?? [], device);
  // They belong to the machine: only its own organization decides.
  if (error?.code === "FORBIDDEN") return null;
  return (
    <section>
      <h2>{t("certificates")}</h2>
      <ErrorBox error={error ?? action.error} again={error ? reload : undefined} />
      {data && own.length === 0 && <p class="muted">{t("noCertificates")}</p>}
      <ul>
        {own.map((certificate) => (
          <Row
            key={certificate.fingerprint}
            certificate={certificate}
            isRunning={action.isRunning}
            decide={(state) => action.run(() => decide(certificate.fingerprint, state))}
          />
        ))}
      </ul>
    </section>
  );
}
