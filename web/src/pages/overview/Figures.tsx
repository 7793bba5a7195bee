// Counts in one line: devices by state, open events by level, readings a minute, models; and a card for each device.

import type { ComponentChildren } from "preact";
import { BASE } from "../../api/root.ts";
import type { DeviceState, Level } from "../../api/types.ts";
import { formatCount, formatNumber } from "../../ui/format.ts";
import { Age, LevelSign, StateSign } from "../../ui/parts.tsx";
import { t } from "../../words/index.ts";
import type { DeviceRow, ModelRow, OpenCount } from "./types.ts";

const STATES: DeviceState[] = ["offline", "degraded", "connecting", "online", "disabled"];
const LEVELS: Level[] = ["critical", "error", "warning"];
/** Cards on this page; the list of devices has them all. */
const CARDS = 12;

/** Bars of counts, from none to the largest. */
function Bars({ counts }: { counts: number[] }) {
  const most = Math.max(1, ...counts);
  return (
    <svg class="bars" role="img" aria-label={t("readingsPerMinute")} viewBox={`0 0 ${counts.length} 24`} preserveAspectRatio="none">
      {counts.map((count, i) => (
        <rect key={i} x={i} width={0.8} y={24 - (count / most) * 24} height={(count / most) * 24} />
      ))}
    </svg>
  );
}

interface CellProps {
  name: string;
  figure: number;
  target: string;
  children: ComponentChildren;
}

/** A figure, what it counts, and what it is made of. */
function Cell({ name, figure, target, children }: CellProps) {
  return (
    <li>
      <a class="name" href={`${BASE}${target}`}>{name}</a>
      <span class="figure">{formatCount(figure)}</span>
      {children}
    </li>
  );
}

interface Props {
  devices: DeviceRow[] | undefined;
  counts: number[] | undefined;
  models: ModelRow[] | undefined;
  open: OpenCount[] | undefined;
}

export function Figures({ devices, counts, models, open }: Props) {
  const running = models?.filter(({ status }) => status.state === "running" || status.state === "catching_up");
  return (
    <ul class="figures">
      {devices && devices.length > 0 && (
        <Cell name={t("devices")} figure={devices.length} target="/devices">
          <ul class="inline" aria-label={t("devicesByState")}>
            {STATES.map((state) => [state, devices.filter((device) => device.status.state === state).length] as const)
              .filter(([, count]) => count > 0)
              .map(([state, count]) => (
                <li key={state}>
                  <a href={`${BASE}/devices?state=${state}`}>{formatCount(count)}</a> <StateSign state={state} />
                </li>
              ))}
          </ul>
        </Cell>
      )}
      {open && (
        <Cell name={t("openEvents")} figure={open.reduce((sum, { n }) => sum + n, 0)} target="/events?open=1">
          {open.length === 0 && <span class="muted">{t("none")}</span>}
          <ul class="inline">
            {LEVELS.flatMap((level) => open.filter((one) => one.level === level)).map(({ level, n }) => (
              <li key={level}>
                <a href={`${BASE}/events?open=1&level=${level}`}>{formatCount(n)}</a> <LevelSign level={level} />
              </li>
            ))}
          </ul>
        </Cell>
      )}
      {counts && (
        <Cell name={t("readingsLastHour")} figure={counts.reduce((sum, count) => sum + count, 0)} target="/live">
          <Bars counts={counts} />
        </Cell>
      )}
      {models && running && models.length > 0 && (
        <Cell name={t("models")} figure={models.length} target="/models">
          <span class="muted">{t("modelsRunning", { running: running.length, all: models.length })}</span>
        </Cell>
      )}
    </ul>
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
            <a href={`${BASE}/devices/${rowId}`}>{name}</a> <StateSign state={status.state} />
            <span class="muted small second">
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
