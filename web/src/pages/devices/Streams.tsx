// The streams of a device with their newest values; the values of those in view are asked for again and again.

import { useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { all } from "../../api/all.ts";
import { graph } from "../../api/graph.ts";
import type { Reading } from "../../api/types.ts";
import { may } from "../../shell/session.ts";
import { useRequest } from "../../ui/request.ts";
import { formatCount, formatNumber } from "../../ui/format.ts";
import { Age, ErrorBox, QualitySign } from "../../ui/parts.tsx";
import { VirtualTable } from "../../ui/rows.tsx";
import { DEVICE_STREAMS, LATEST } from "./queries.ts";
import type { DeviceStream } from "./types.ts";
import { t } from "./words.ts";

const HEIGHT = 28;
/** Milliseconds after which is asked again: for the values in view, and for all streams, of which there may be thousands. */
const [SOON, LATER] = [5000, 60_000];

function loadStreams(id: string, signal: AbortSignal): Promise<DeviceStream[]> {
  return all((after) => graph(DEVICE_STREAMS, { id, after }, signal).then(({ streams }) => streams));
}

/** The newest readings of some streams, whose row numbers are parted by commas. */
async function loadLatest(streams: string, signal: AbortSignal): Promise<Map<number, Reading>> {
  if (streams === "") return new Map();
  const { latestValues } = await graph(LATEST, { streams: streams.split(",") }, signal);
  return new Map(latestValues.map((reading) => [reading.streamRowId, reading]));
}

function StreamRow({ stream, latest }: { stream: DeviceStream; latest: Reading | null }) {
  const shown = latest === null ? "–" : latest.value === null ? (latest.text ?? "–") : formatNumber(latest.value);
  return (
    <tr>
      <th scope="row">
        <a href={`${BASE}/streams/${stream.rowId}`}>{stream.name}</a>
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

export function Streams({ id }: { id: string }) {
  const canRead = may("data:read") && may("value:read");
  const { data, error, reload } = useRequest(async (signal) => (canRead ? loadStreams(id, signal) : []), [id], LATER);
  const [seen, setSeen] = useState("");
  const newest = useRequest((signal) => loadLatest(seen, signal), [seen], SOON);
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
      <ErrorBox error={error ?? newest.error} again={error ? reload : newest.reload} />
      {data?.length === 0 && <p class="muted">{t("deviceNoStreams")}</p>}
      {data && data.length > 0 && (
        <VirtualTable
          rows={data}
          height={HEIGHT}
          columns={COLUMNS.length}
          label={t("streams")}
          head={head}
          seen={(rows) => setSeen(rows.map(({ rowId }) => rowId).join(","))}
          row={(stream) => <StreamRow key={stream.rowId} stream={stream} latest={newest.data?.get(stream.rowId) ?? stream.latest} />}
        />
      )}
    </section>
  );
}
