// Devices: all of them with their states, filtered by the address.

import { useEffect } from "preact/hooks";
import { BASE, ROOT } from "../../api/root.ts";
import { graph } from "../../api/graph.ts";
import { follow, gathered } from "../../api/live.ts";
import type { DeviceState, Page } from "../../api/types.ts";
import { address, changeQuery } from "../../shell/router.ts";
import { may } from "../../shell/session.ts";
import { useAsk } from "../../ui/ask.ts";
import { formatCount, formatNumber } from "../../ui/format.ts";
import { Age, Busy, Empty, ErrorBox, StateSign, stateWord } from "../../ui/parts.tsx";
import { VirtualTable } from "../../ui/rows.tsx";
import { t } from "./words.ts";
import { DEVICES, STATES } from "./queries.ts";
import type { DeviceRow, StateChange } from "./types.ts";

const ALL_STATES: DeviceState[] = ["offline", "degraded", "connecting", "online", "disabled"];
const HEIGHT = 32;

async function load(signal: AbortSignal): Promise<DeviceRow[]> {
  const devices: DeviceRow[] = [];
  let after: string | null = null;
  do {
    const page: { devices: Page<DeviceRow> } = await graph<{ devices: Page<DeviceRow> }>(DEVICES, { after }, signal);
    devices.push(...page.devices.nodes);
    after = page.devices.pageInfo.hasNextPage ? page.devices.pageInfo.endCursor : null;
  } while (after !== null);
  return devices;
}

function Row({ device }: { device: DeviceRow }) {
  const { state, lastError, lastSeen, latencyP50Ms } = device.status;
  return (
    <tr>
      <th scope="row">
        <a href={`${BASE}/devices/${device.rowId}`}>{device.name}</a>
      </th>
      <td>
        <StateSign state={state} />
      </td>
      <td>{device.protocol}</td>
      <td class="mono">{device.host && `${device.host}${device.port === null ? "" : `:${device.port}`}`}</td>
      <td class="number">{latencyP50Ms === null ? "–" : `${formatNumber(Math.round(latencyP50Ms * 10) / 10)} ms`}</td>
      <td class="number">
        <Age of={lastSeen} />
      </td>
      <td class="message" title={lastError ?? undefined}>{lastError}</td>
    </tr>
  );
}

function FilterBar({ state, text, shown, total }: { state: string; text: string; shown: number; total: number }) {
  return (
    <div class="filters">
      <input type="search" aria-label={t("find")} placeholder={t("find")} value={text} onInput={(event) => changeQuery({ q: event.currentTarget.value || null })} />
      <label>
        <span>{t("state")}</span>
        <select value={state} onChange={(event) => changeQuery({ state: event.currentTarget.value || null })}>
          <option value="">{t("all")}</option>
          {ALL_STATES.map((one) => (
            <option key={one} value={one}>
              {stateWord(one)}
            </option>
          ))}
        </select>
      </label>
      <span class="muted small">{t("shownOf", { shown: formatCount(shown), total: formatCount(total) })}</span>
    </div>
  );
}

function NewLink() {
  return (
    <a class="button" href={`${BASE}/devices/new`}>
      {t("newDevice")}
    </a>
  );
}

export default function Devices() {
  const query = address.value.query;
  const [state, text] = [query.get("state") ?? "", query.get("q") ?? ""];
  const { data, error, isBusy, ask, change } = useAsk(load, [], 60_000);
  useEffect(
    () =>
      follow<StateChange>(
        STATES,
        {},
        gathered((all) => {
          const changes = new Map(all.map(({ deviceStates: { device, ...changed } }) => [device.rowId, changed]));
          change((known) => known.map((row) => (changes.has(row.rowId) ? { ...row, status: { ...row.status, ...changes.get(row.rowId) } } : row)));
        }),
        ask,
      ),
    [],
  );
  const wanted = text.toLowerCase();
  const shown = data?.filter((device) => (state === "" || device.status.state === state) && device.name.toLowerCase().includes(wanted));
  const head = (
    <tr>
      <th scope="col">{t("name")}</th>
      <th scope="col">{t("state")}</th>
      <th scope="col">{t("protocol")}</th>
      <th scope="col">{t("address")}</th>
      <th scope="col" class="number">{t("latency").split(",")[0]}</th>
      <th scope="col" class="number">{t("lastSeen")}</th>
      <th scope="col">{t("error")}</th>
    </tr>
  );
  return (
    <div class="page">
      <Busy isBusy={isBusy} />
      <h1>{t("devices")}</h1>
      <ErrorBox error={error} again={ask} />
      {data?.length === 0 && (
        <Empty title={t("noDevices")} note={t("noDevicesNote")}>
          {may("device:write") && <NewLink />}{" "}
          <a class="button" href={`${ROOT}/api/docs/`}>
            {t("restDocs")}
          </a>
        </Empty>
      )}
      {data && shown && data.length > 0 && (
        <>
          {may("device:write") && (
            <p class="links">
              <NewLink />
            </p>
          )}
          <FilterBar state={state} text={text} shown={shown.length} total={data.length} />
          <VirtualTable rows={shown} height={HEIGHT} head={head} columns={7} label={t("devices")} row={(device) => <Row key={device.rowId} device={device} />} />
        </>
      )}
    </div>
  );
}
