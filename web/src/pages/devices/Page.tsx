// Devices: all of them with their states, filtered by the address.

import { useEffect } from "preact/hooks";
import { BASE, ROOT } from "../../api/root.ts";
import { type Data, graph } from "../../api/graph.ts";
import { follow, gathered } from "../../api/live.ts";
import type { DeviceState } from "../../api/types.ts";
import { address, changeQuery } from "../../shell/router.ts";
import { may } from "../../shell/session.ts";
import { useRequest } from "../../ui/request.ts";
import { formatCount, formatNumber } from "../../ui/format.ts";
import { isPhone } from "../../ui/phone.ts";
import { PageHead } from "../../ui/PageHead.tsx";
import { Age, Busy, Empty, ErrorBox, StateSign, stateWord } from "../../ui/parts.tsx";
import { Filters, NoMatch } from "../../ui/Filters.tsx";
import { VirtualTable } from "../../ui/rows.tsx";
import { t } from "./words.ts";
import { DEVICES, STATES } from "./queries.ts";
import type { DeviceRow } from "./types.ts";

const ALL_STATES: DeviceState[] = ["offline", "degraded", "connecting", "online", "disabled"];
/** Heights of a row, with one line and with two; CSS pixels. */
const HEIGHT = 28;
const PHONE_HEIGHT = 56;

async function load(signal: AbortSignal): Promise<DeviceRow[]> {
  const devices: DeviceRow[] = [];
  let after: string | null = null;
  do {
    const page: Data<"Devices"> = await graph(DEVICES, { after }, signal);
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

/** Row for a phone, which has little room: name and state, and below them where the device is. */
function PhoneRow({ device }: { device: DeviceRow }) {
  const { state, lastError, lastSeen } = device.status;
  return (
    <tr>
      <th scope="row">
        <a href={`${BASE}/devices/${device.rowId}`}>{device.name}</a>
        <span class="second small muted">
          {device.protocol} · <Age of={lastSeen} /> {lastError}
        </span>
      </th>
      <td class="number">
        <StateSign state={state} />
      </td>
    </tr>
  );
}

function FilterBar({ state, text, shown, total }: { state: string; text: string; shown: number; total: number }) {
  return (
    <Filters set={[state, text].filter(Boolean).length}>
      <input
        type="search"
        aria-label={t("find")}
        placeholder={t("find")}
        value={text}
        onInput={(event) => changeQuery({ q: event.currentTarget.value || null })}
      />
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
    </Filters>
  );
}

function NewLink() {
  return (
    <a class="button primary" href={`${BASE}/devices/new`}>
      {t("newDevice")}
    </a>
  );
}

export default function Devices() {
  const query = address.value.query;
  const [state, text] = [query.get("state") ?? "", query.get("q") ?? ""];
  const { data, error, isBusy, reload, change } = useRequest(load, [], 60_000);
  useEffect(
    () =>
      follow(
        STATES,
        {},
        gathered((all) => {
          const changes = new Map(all.map(({ deviceStates: { device, ...changed } }) => [device.rowId, changed]));
          change((known) => known.map((row) => (changes.has(row.rowId) ? { ...row, status: { ...row.status, ...changes.get(row.rowId) } } : row)));
        }),
        reload,
      ),
    [],
  );
  const wanted = text.toLowerCase();
  const shown = data?.filter((device) => (state === "" || device.status.state === state) && device.name.toLowerCase().includes(wanted));
  const [DeviceLine, height] = isPhone.value ? [PhoneRow, PHONE_HEIGHT] : [Row, HEIGHT];
  const head = isPhone.value ? null : (
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
    <div class="page two-lines">
      <Busy isBusy={isBusy} />
      <PageHead title={t("devices")} count={data?.length}>
        {data && shown && data.length > 0 && <FilterBar state={state} text={text} shown={shown.length} total={data.length} />}
        {data && data.length > 0 && may("device:write") && <NewLink />}
      </PageHead>
      <ErrorBox error={error} again={reload} />
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
          <VirtualTable
            rows={shown}
            height={height}
            head={head}
            columns={7}
            label={t("devices")}
            row={(device) => <DeviceLine key={device.rowId} device={device} />}
          />
          {shown.length === 0 && <NoMatch clear={() => changeQuery({ q: null, state: null })} />}
        </>
      )}
    </div>
  );
}
