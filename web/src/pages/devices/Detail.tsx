// One device: its connection, its settings, its states and its streams.

import { useEffect } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { type Data, graph } from "../../api/graph.ts";
import { follow } from "../../api/live.ts";
import { may } from "../../shell/session.ts";
import { useRequest } from "../../ui/request.ts";
import { formatCount, formatNumber } from "../../ui/format.ts";
import { PageHead } from "../../ui/PageHead.tsx";
import { Age, Busy, Empty, ErrorBox, StateSign } from "../../ui/parts.tsx";
import { t } from "./words.ts";
import { Certificates } from "./Certificates.tsx";
import { isBrowsed } from "./protocols.ts";
import { DEVICE, STATES } from "./queries.ts";
import { States } from "./States.tsx";
import { Streams } from "./Streams.tsx";
import { mayImportTags } from "./tagList.ts";
import type { DeviceFull } from "./types.ts";

/** Counters are read anew so often, milliseconds. */
const REPEAT = 5000;

const milliseconds = (value: number | null) => (value === null ? "–" : `${formatNumber(Math.round(value * 10) / 10)} ms`);

function Connection({ device }: { device: DeviceFull }) {
  const { status } = device;
  const { timeout, refused, protocol, other } = status.errors;
  return (
    <section>
      <h2>{t("connection")}</h2>
      {status.lastError !== null && (
        <p class="error-box">
          <strong>{t("lastError")}:</strong> {status.lastError}
        </p>
      )}
      <dl class="facts">
        <dt>{t("lastSeen")}</dt>
        <dd>
          <Age of={status.lastSeen} />
        </dd>
        <dt>{t("latency")}</dt>
        <dd>
          {milliseconds(status.latencyP50Ms)} / {milliseconds(status.latencyP99Ms)}
        </dd>
        <dt>{t("lateness")}</dt>
        <dd>
          {milliseconds(status.latenessP50Ms)} / {milliseconds(status.latenessP99Ms)}
        </dd>
        <dt>{t("reads")}</dt>
        <dd>{formatCount(status.reads)}</dd>
        <dt>{t("readingsStored")}</dt>
        <dd>{formatCount(status.readings)}</dd>
        <dt>{t("errorsByKind")}</dt>
        <dd>{[timeout, refused, protocol, other].map(formatCount).join(" / ")}</dd>
        <dt>{t("reconnects")}</dt>
        <dd>{formatCount(status.reconnects)}</dd>
        <dt>{t("skipped")}</dt>
        <dd>{formatCount(status.skipped)}</dd>
      </dl>
    </section>
  );
}

function Settings({ device }: { device: DeviceFull }) {
  return (
    <section>
      <h2>{t("settings")}</h2>
      <dl class="facts">
        <dt>{t("protocol")}</dt>
        <dd>{device.protocol}</dd>
        <dt>{t("address")}</dt>
        <dd class="mono">{device.host ? `${device.host}${device.port === null ? "" : `:${device.port}`}` : "–"}</dd>
        <dt>{t("pollInterval")}</dt>
        <dd>{device.pollInterval === null ? "–" : `${formatNumber(device.pollInterval)} s`}</dd>
        <dt>{t("enabled")}</dt>
        <dd>{t(device.enabled ? "yes" : "no")}</dd>
        <dt>{t("product")}</dt>
        <dd>{device.product.name}</dd>
      </dl>
    </section>
  );
}

export default function DeviceDetail({ id }: { id: string }) {
  const { data, error, isBusy, reload, change } = useRequest(
    async (signal) => (await graph(DEVICE, { id: Number(id) }, signal)).device,
    [id],
    REPEAT,
  );
  const isThere = data !== undefined && data !== null;
  useEffect(() => {
    if (!isThere) return undefined;
    const next = ({ deviceStates: { state, lastError, lastSeen } }: Data<"DeviceStates">) =>
      change((known) => known && { ...known, status: { ...known.status, state, lastError, lastSeen } });
    return follow(STATES, { devices: [id] }, next, reload);
  }, [id, isThere]);
  return (
    <div class="page">
      <Busy isBusy={isBusy && !data} />
      <p class="crumb">
        <a href={`${BASE}/devices`}>← {t("devices")}</a>
      </p>
      <ErrorBox error={error} again={reload} />
      {data === null && <Empty title={t("noSuchDevice")} />}
      {data && (
        <>
          <PageHead
            title={
              <>
                {data.name} <StateSign state={data.status.state} />
              </>
            }
          >
            {mayImportTags() && (
              <a class="button" href={`${BASE}/devices/${id}/tag-list`}>
                {t("tagList")}
              </a>
            )}
            {may("device:write") && (
              <>
                {isBrowsed(data.protocol) && (
                  <a class="button" href={`${BASE}/devices/${id}/browse`}>
                    {t("browse")}
                  </a>
                )}
                <a class="button" href={`${BASE}/devices/${id}/edit`}>
                  {t("changeSettings")}
                </a>
              </>
            )}
          </PageHead>
          <div class="two">
            <Connection device={data} />
            <Settings device={data} />
          </div>
          <States device={data.rowId} state={data.status.state} />
          {data.protocol === "opcua" && may("system:read") && <Certificates device={data.rowId} state={data.status.state} />}
          <Streams id={id} />
        </>
      )}
    </div>
  );
}
