// The system: whether it is in order, what it does, and what it did.

import { graph } from "../../api/graph.ts";
import { useRequest } from "../../ui/request.ts";
import { Busy, ErrorBox } from "../../ui/parts.tsx";
import { Figures } from "./Figures.tsx";
import { Jobs } from "./Jobs.tsx";
import { License } from "./License.tsx";
import { QueryLog } from "./QueryLog.tsx";
import { RunningQueries } from "./RunningQueries.tsx";
import { Server } from "./Server.tsx";
import { HEALTH } from "./queries.ts";
import { t } from "./words.ts";

const EVERY = 10_000;

/** The checks by their names in the API. */
const CHECKS: Record<string, Parameters<typeof t>[0]> = { db: "checkDb", redis: "checkRedis", disk: "checkDisk", poller: "checkPoller", mqtt: "checkMqtt" };

function checkName(name: string): string {
  const word = CHECKS[name];
  return word === undefined ? name : t(word);
}

function Checks() {
  const { data, error, isBusy, reload } = useRequest(async (signal) => (await graph(HEALTH, {}, signal)).health, [], EVERY);
  return (
    <section>
      <Busy isBusy={isBusy} />
      <h2>{t("checks")}</h2>
      <ErrorBox error={error} again={reload} />
      <ul class="tiles checks">
        {data?.checks.map((check) => (
          <li key={check.name}>
            <div class="name">{checkName(check.name)}</div>
            {check.ok ? <span>✓ {t("checkOk")}</span> : <span class="error-text">✕ {check.error}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

export default function System() {
  return (
    <div class="page">
      <h1>{t("system")}</h1>
      <Checks />
      <Server />
      <Figures />
      <Jobs />
      <RunningQueries />
      <QueryLog />
      <License />
    </div>
  );
}
