// The server: what runs, since when, and how much it holds.

import { graph, type Data } from "../../api/graph.ts";
import { useRequest } from "../../ui/request.ts";
import { duration, formatBytes, formatCount } from "../../ui/format.ts";
import { Busy, ErrorBox } from "../../ui/parts.tsx";
import { Backups } from "./Backups.tsx";
import { SYSTEM } from "./queries.ts";
import { t } from "./words.ts";

type ServerFacts = NonNullable<SystemFacts["server"]>;

type SystemFacts = Data<"System">["system"];

const EVERY = 5000;

function Tile({ name, figure }: { name: string; figure: string }) {
  return (
    <li>
      <div class="name">{name}</div>
      <div class="figure">{figure}</div>
    </li>
  );
}

/** How full something is that has a limit. */
function Fill({ name, used, limit, format }: { name: string; used: number; limit: number; format: (value: number) => string }) {
  return (
    <li>
      <div class="name">{name}</div>
      <meter min={0} max={limit} high={limit * 0.9} value={used} aria-label={name} />
      <div class="small">{t("usedOf", { used: format(used), limit: format(limit) })}</div>
    </li>
  );
}

function Lake({ lake }: { lake: ServerFacts["lake"] }) {
  const words = ["table", "rowsOf", "size", "files", "days", "mergeLag"] as const;
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label={t("stored")}>
      <table>
        <thead>
          <tr>
            {words.map((word, index) => (
              <th scope="col" key={word} class={index > 0 ? "number" : ""}>
                {t(word)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lake.map((table) => (
            <tr key={table.table}>
              <th scope="row">{table.table}</th>
              <td class="number">{formatCount(table.rows)}</td>
              <td class="number">{formatBytes(table.bytes)}</td>
              <td class="number">{formatCount(table.files)}</td>
              <td class="number">{formatCount(table.days)}</td>
              <td class="number">{formatCount(table.mergeLagFiles)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Machine({ server }: { server: ServerFacts }) {
  const { disk, log, memtable, memory } = server;
  return (
    <>
      <h2>{t("machine")}</h2>
      <ul class="tiles">
        {disk && <Fill name={t("disk")} used={Number(disk.usedBytes)} limit={Number(disk.totalBytes)} format={formatBytes} />}
        {memory.residentBytes !== null && <Tile name={t("memoryOfAll")} figure={formatBytes(memory.residentBytes)} />}
        <Tile name={t("log")} figure={formatBytes(log.bytes)} />
        <Tile name={t("memtable")} figure={formatCount(memtable.readings)} />
        <Tile name={t("flushLag")} figure={duration(memtable.flushLagSeconds * 1000)} />
      </ul>
      <h2>{t("budgets")}</h2>
      <ul class="tiles">
        {memory.budgets.map(({ budget, usedBytes, limitBytes }) => (
          <Fill key={budget} name={budget} used={Number(usedBytes)} limit={Number(limitBytes)} format={formatBytes} />
        ))}
      </ul>
      <h2>{t("connections")}</h2>
      <ul class="tiles">
        {server.connections.map(({ listener, open, limit }) => (
          <Fill key={listener} name={listener} used={open} limit={limit} format={formatCount} />
        ))}
      </ul>
      <h2>{t("stored")}</h2>
      <Lake lake={server.lake} />
    </>
  );
}

export function Server() {
  const { data, error, isBusy, reload } = useRequest(async (signal) => (await graph(SYSTEM, {}, signal)).system, [], EVERY);
  return (
    <section>
      <Busy isBusy={isBusy} />
      <ErrorBox error={error} again={reload} />
      {data && (
        <>
          <ul class="tiles">
            <Tile name={t("version")} figure={data.version} />
            <Tile name={t("runsSince")} figure={duration(data.uptimeSeconds * 1000)} />
            <Tile name={t("devices")} figure={formatCount(data.organization.devices)} />
            <Tile name={t("streams")} figure={formatCount(data.organization.streams)} />
            {data.organization.lakeBytes !== null && <Tile name={t("ownShare")} figure={formatBytes(data.organization.lakeBytes)} />}
          </ul>
          {data.server && <Machine server={data.server} />}
          {/* Whoever sees the machine may see its backups. */}
          {data.server && <Backups />}
        </>
      )}
    </section>
  );
}
