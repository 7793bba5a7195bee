// One device: its connection, its settings, its streams with their newest values.

import { useEffect } from "preact/hooks";
import { graph } from "../../api/graph.ts";
import { follow } from "../../api/live.ts";
import type { Page } from "../../api/types.ts";
import { may } from "../../shell/session.ts";
import { useAsk } from "../../ui/ask.ts";
import { formatCount, formatNumber } from "../../ui/format.ts";
import { Age, Busy, Empty, ErrorBox, QualitySign, StateSign } from "../../ui/parts.tsx";
import { VirtualTable } from "../../ui/rows.tsx";
import { t } from "./words.ts";
import { Certificates } from "./Certificates.tsx";
import { DEVICE, DEVICE_STREAMS, STATES } from "./queries.ts";
import type { DeviceFull, DeviceStream, StateChange } from "./types.ts";

const HEIGHT = 32;
/** Counters and values are read anew so often, milliseconds. */
const REPEAT = 5000;

async function loadStreams(id: string, signal: AbortSignal): Promise<DeviceStream[]> {
  const streams: DeviceStream[] = [];
  let after: string | null = null;
  do {
    const page: { streams: Page<DeviceStream> } = await graph<{ streams: Page<DeviceStream> }>(DEVICE_STREAMS, { id, after }, signal);
    streams.push(...page.streams.nodes);
    after = page.streams.pageInfo.hasNextPage ? page.streams.pageInfo.endCursor : null;
  } while (after !== null);
  return streams;
}

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

function StreamRow({ stream }: { stream: DeviceStream }) {
  const { latest } = stream;
  const shown = latest === null ? "–" : latest.value === null ? (latest.text ?? "–") : formatNumber(latest.value);
  return (
    <tr>
      <th scope="row">
        <a href={`/ui/streams/${stream.rowId}`}>{stream.name}</a>
      </th>
      <td class="number value" title={shown}>{shown}</td>
      <td>{stream.unit}</td>
      <td>{latest !== null && latest.quality !== "good" && <QualitySign quality={latest.quality} />}</td>
      <td class="number">
        <Age of={latest?.ts ?? null} />
      </td>
      <td>{stream.type}</td>
      <td class="mono">{stream.path}</td>
      <td>{stream.accessMode}</td>
      <td class="number">{stream.deadband === null ? "–" : formatNumber(stream.deadband)}</td>
    </tr>
  );
}

const COLUMNS = ["stream", "value", "unit", "quality", "age", "type", "path", "access", "deadband"] as const;
const RIGHT: string[] = ["value", "age", "deadband"];

function Streams({ id }: { id: string }) {
  const canRead = may("data:read") && may("value:read");
  const { data, error, ask } = useAsk(async (signal) => (canRead ? loadStreams(id, signal) : []), [id], REPEAT);
  if (!canRead) return null;
  const head = (
    <tr>
      {COLUMNS.map((word) => (
        <th scope="col" key={word} class={RIGHT.includes(word) ? "number" : undefined}>
          {t(word)}
        </th>
      ))}
    </tr>
  );
  return (
    <section>
      <h2>
        {t("streams")} {data && <span class="muted">{formatCount(data.length)}</span>}
      </h2>
      <ErrorBox error={error} again={ask} />
      {data && data.length > 0 && (
        <VirtualTable
          rows={data}
          height={HEIGHT}
          columns={COLUMNS.length}
          label={t("streams")}
          head={head}
          row={(stream) => <StreamRow key={stream.rowId} stream={stream} />}
        />
      )}
    </section>
  );
}

export default function DeviceDetail({ id }: { id: string }) {
  const { data, error, isBusy, ask, change } = useAsk(
    async (signal) => (await graph<{ device: DeviceFull | null }>(DEVICE, { id: Number(id) }, signal)).device,
    [id],
    REPEAT,
  );
  const isThere = data !== undefined && data !== null;
  useEffect(() => {
    if (!isThere) return undefined;
    const next = ({ deviceStates: { state, lastError, lastSeen } }: StateChange) =>
      change((known) => known && { ...known, status: { ...known.status, state, lastError, lastSeen } });
    return follow<StateChange>(STATES, { devices: [id] }, next, ask);
  }, [id, isThere]);
  return (
    <div class="page">
      <Busy isBusy={isBusy && !data} />
      <p>
        <a href="/ui/devices">← {t("devices")}</a>
      </p>
      <ErrorBox error={error} again={ask} />
      {data === null && <Empty title={t("noSuchDevice")} />}
      {data && (
        <>
          <h1>
            {data.name} <StateSign state={data.status.state} />
          </h1>
          {may("device:write") && (
            <p class="links">
              <a class="button" href={`/ui/devices/${id}/edit`}>
                {t("changeSettings")}
              </a>
              {data.protocol === "opcua" && (
                <a class="button" href={`/ui/devices/${id}/browse`}>
                  {t("browse")}
                </a>
              )}
            </p>
          )}
          <div class="two">
            <Connection device={data} />
            <Settings device={data} />
          </div>
          {data.protocol === "opcua" && may("system:read") && <Certificates device={data.rowId} />}
          <Streams id={id} />
        </>
      )}
    </div>
  );
}
