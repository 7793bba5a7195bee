// Counts: devices by state, readings a minute, models; and a card for each device.

import { BASE } from "../../api/root.ts";
import type { DeviceState } from "../../api/types.ts";
import { formatCount, formatNumber } from "../../ui/format.ts";
import { Age, StateSign } from "../../ui/parts.tsx";
import { t } from "../../words/index.ts";
import type { DeviceRow, ModelRow } from "./Page.tsx";

const STATES: DeviceState[] = ["offline", "degraded", "connecting", "online", "disabled"];
/** Cards on this page; the list of devices has them all. */
const CARDS = 60;

/** Bars of counts, from none to the largest. */
function Bars({ counts }: { counts: number[] }) {
  const most = Math.max(1, ...counts);
  return (
    <svg class="bars" viewBox={`0 0 ${counts.length} 24`} preserveAspectRatio="none" aria-hidden="true">
      {counts.map((count, i) => (
        <rect key={i} x={i} width={0.8} y={24 - (count / most) * 24} height={(count / most) * 24} />
      ))}
    </svg>
  );
}

export function Figures({ devices, counts, models }: { devices: DeviceRow[] | undefined; counts: number[] | undefined; models: ModelRow[] | undefined }) {
  const running = models?.filter(({ status }) => status.state === "running" || status.state === "catching_up");
  return (
    <div class="figures">
      {devices && devices.length > 0 && (
        <section aria-label={t("devicesByState")}>
          <h2>{t("devices")} {formatCount(devices.length)}</h2>
          <ul class="inline">
            {STATES.map((state) => [state, devices.filter((device) => device.status.state === state).length] as const)
              .filter(([, count]) => count > 0)
              .map(([state, count]) => (
                <li key={state}>
                  <a href={`${BASE}/devices?state=${state}`}>{formatCount(count)}</a> <StateSign state={state} />
                </li>
              ))}
          </ul>
        </section>
      )}
      {counts && (
        <section aria-label={t("readingsPerMinute")}>
          <h2>{t("readingsLastHour")} {formatCount(counts.reduce((sum, count) => sum + count, 0))}</h2>
          <Bars counts={counts} />
        </section>
      )}
      {models && running && models.length > 0 && (
        <section aria-label={t("models")}>
          <h2>{t("models")} {formatCount(models.length)}</h2>
          <p>{t("modelsRunning", { running: running.length, all: models.length })}</p>
        </section>
      )}
    </div>
  );
}

export function DeviceCards({ devices, total }: { devices: DeviceRow[]; total: number }) {
  const ordered = [...devices].sort((a, b) => STATES.indexOf(a.status.state) - STATES.indexOf(b.status.state));
  return (
    <section aria-labelledby="cards">
      <h2 id="cards">{t("devices")}</h2>
      <ul class="cards">
        {ordered.slice(0, CARDS).map(({ rowId, name, protocol, status }) => (
          <li key={rowId}>
            <a href={`${BASE}/devices/${rowId}`}>{name}</a>
            <StateSign state={status.state} />
            <span class="muted small">
              {protocol}
              {status.latencyP50Ms !== null && `, ${formatNumber(Math.round(status.latencyP50Ms * 10) / 10)} ms`}
              {status.lastSeen !== null && <>, <Age of={status.lastSeen} /></>}
            </span>
          </li>
        ))}
      </ul>
      {total > CARDS && (
        <p>
          <a href={`${BASE}/devices`}>{t("shownOf", { shown: CARDS, total })}</a>
        </p>
      )}
    </section>
  );
}
