// Facts of a stream: its newest value large, its settings below.

import { useEffect } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { follow } from "../../api/live.ts";
import type { Reading } from "../../api/types.ts";
import { dateTime, formatNumber } from "../../ui/format.ts";
import { Age, QualitySign } from "../../ui/parts.tsx";
import { VALUES } from "./queries.ts";
import type { StreamFull } from "./types.ts";
import { t } from "./words.ts";

function shownValue({ value, text }: Reading): string {
  return value === null ? (text ?? "–") : formatNumber(value);
}

/** The newest value; it follows what is written. */
export function Latest({ stream, changed }: { stream: StreamFull; changed: (readings: Reading[]) => void }) {
  const { latest, rowId, unit } = stream;
  useEffect(
    () =>
      follow(
        VALUES,
        { streams: [String(rowId)] },
        ({ values }) => {
          if (values.readings.length > 0) changed(values.readings);
        },
        // The value is asked for again at intervals in any case.
        () => {},
      ),
    [rowId],
  );
  if (latest === null) return <p class="muted">{t("noReading")}</p>;
  return (
    <p class="latest">
      <span class="large">{shownValue(latest)}</span> <span class="muted">{unit}</span>
      {latest.quality !== "good" && <QualitySign quality={latest.quality} />}
      <span class="muted small">
        {t("age")} <Age of={latest.ts} />, {dateTime(Date.parse(latest.ts))}
      </span>
    </p>
  );
}

export function Facts({ stream }: { stream: StreamFull }) {
  const { device } = stream;
  const interval = stream.pollInterval ?? device?.pollInterval ?? null;
  const facts: [string, string][] = [
    [t("type"), stream.type],
    [t("unit"), stream.unit || "–"],
    [t("path"), stream.path || "–"],
    [t("access"), t(stream.accessMode === "rw" ? "readWrite" : "readOnly")],
    [t("enabled"), t(stream.enabled ? "yes" : "no")],
    [t("pollInterval"), interval === null ? "–" : `${formatNumber(interval)} s`],
    [t("deadband"), stream.deadband === null ? "–" : `${formatNumber(stream.deadband)} ${stream.unit}`],
    [t("scaling"), stream.scale === 1 && stream.offset === 0 ? "–" : `× ${formatNumber(stream.scale)} + ${formatNumber(stream.offset)}`],
    [t("byteorder"), stream.byteorder ?? "–"],
    [t("statisticsInterval"), `${formatNumber(stream.statisticsInterval ?? 60)} s`],
    [t("group"), stream.group?.name ?? "–"],
    [t("label"), stream.label],
    [t("id"), String(stream.rowId)],
    [t("createdAt"), dateTime(Date.parse(stream.createdAt))],
    [t("updatedAt"), dateTime(Date.parse(stream.updatedAt))],
    ...Object.entries(stream.metadata).map(([name, value]): [string, string] => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  ];
  return (
    <section>
      <h2>{t("settings")}</h2>
      <dl class="facts">
        <dt>{t("device")}</dt>
        <dd>{device ? <a href={`${BASE}/devices/${device.rowId}`}>{device.name}</a> : "–"}</dd>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
