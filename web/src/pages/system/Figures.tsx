// The metrics that matter to people, looked at every few seconds.

import { useRef } from "preact/hooks";
import { send } from "../../api/http.ts";
import { useRequest } from "../../ui/request.ts";
import { formatCount, formatNumber } from "../../ui/format.ts";
import { Busy, ErrorBox } from "../../ui/parts.tsx";
import { parseMetrics, rate, type Sample, total } from "./metrics.ts";
import { t } from "./words.ts";

const EVERY = 5000;
const READINGS = "basalt_device_readings_total";
const [CONNECTIONS, NOTIFICATIONS, QUARANTINED] = ["basalt_mqtt_connections", "basalt_notifications_pending", "basalt_quarantined_readings_total"];
/** All metrics of a plant with many devices are a megabyte. */
const METRICS = `/metrics?${[READINGS, CONNECTIONS, NOTIFICATIONS, QUARANTINED].map((name) => `name[]=${name}`).join("&")}`;

interface MetricsSample {
  samples: Sample[];
  /** Readings of devices a second since the look before. */
  readings: number | undefined;
}

function useMetrics() {
  const before = useRef<{ at: number; readings: number | undefined } | undefined>(undefined);
  return useRequest<MetricsSample>(
    async (signal) => {
      const samples = parseMetrics(await (await send(METRICS, { signal })).text());
      const now = { at: performance.now(), readings: total(samples, READINGS) };
      const readings = before.current && rate(before.current.readings, now.readings, (now.at - before.current.at) / 1000);
      before.current = now;
      return { samples, readings };
    },
    [],
    EVERY,
  );
}

function Tile({ name, figure }: { name: string; figure: string }) {
  return (
    <li>
      <div class="name">{name}</div>
      <div class="figure">{figure}</div>
    </li>
  );
}

function count(value: number | undefined): string {
  return value === undefined ? "–" : formatCount(value);
}

export function Figures() {
  const { data, error, isBusy, reload } = useMetrics();
  const samples = data?.samples ?? [];
  return (
    <section>
      <Busy isBusy={isBusy} />
      <h2>{t("figures")}</h2>
      <ErrorBox error={error} again={reload} />
      {data && (
        <ul class="tiles">
          <Tile name={t("readingsRate")} figure={data.readings === undefined ? "…" : formatNumber(Math.round(data.readings * 10) / 10)} />
          <Tile name={t("mqttConnections")} figure={count(total(samples, CONNECTIONS))} />
          <Tile name={t("pendingNotes")} figure={count(total(samples, NOTIFICATIONS))} />
          <Tile name={t("quarantined")} figure={count(total(samples, QUARANTINED))} />
        </ul>
      )}
    </section>
  );
}
