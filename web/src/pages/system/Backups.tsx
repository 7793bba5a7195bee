// Backups: those that there are, a new one, and whether one is whole. Each is work of a job, which the list of jobs shows.

import { useState } from "preact/hooks";
import { type ApiError, send } from "../../api/http.ts";
import { may } from "../../shell/session.ts";
import { useAction, useRequest } from "../../ui/request.ts";
import { dateTime, formatBytes, formatCount } from "../../ui/format.ts";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { t } from "./words.ts";

interface Backup {
  name: string;
  created_at: string;
  bytes: number;
}

interface BackupList {
  /** Directory that the server writes them to; null if the configuration names none. */
  directory: string | null;
  backups: Backup[];
}

const PATH = "/api/backup/";
/** The key of the configuration that has to be set. */
const KEY = "backup.dir";
/** Backups that are listed at first, the newest ones. */
const LISTED = 10;
/** How often the list is asked for, milliseconds: after a job was started here, and else. */
const [SOON, LATER] = [3000, 60_000];

async function load(signal: AbortSignal): Promise<BackupList> {
  return (await send(PATH, { signal })).json();
}

/** Starts a job; its number. */
async function start(path: string): Promise<number> {
  return ((await (await send(path, { method: "POST" })).json()) as { id: number }).id;
}

const isWithoutPlace = (error: ApiError | undefined) => error?.status === 409 && error.message.includes(KEY);

function Rows({ backups, verify, isRunning }: { backups: Backup[]; verify: (name: string) => void; isRunning: boolean }) {
  const [most, setMost] = useState(LISTED);
  return (
    <>
      <div class="table-wrap" tabIndex={0} role="region" aria-label={t("backups")}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("name")}</th>
              <td />
            </tr>
          </thead>
          <tbody>
            {backups.slice(0, most).map(({ name, created_at, bytes }) => (
              <tr key={name}>
                <th scope="row" class="backup">
                  {name}
                  <span class="small muted">
                    {dateTime(Math.floor(Date.parse(created_at) / 1000) * 1000)}, {formatBytes(bytes)}
                  </span>
                </th>
                <td class="number">
                  {may("system:write") && (
                    <button type="button" disabled={isRunning} aria-label={t("verifyOf", { name })} onClick={() => verify(name)}>
                      {t("verify")}
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {backups.length > most && (
        <p class="links small">
          <span class="muted">{t("shownOf", { shown: most, total: formatCount(backups.length) })}</span>
          <button type="button" onClick={() => setMost(most + 100)}>
            {t("more100")}
          </button>
        </p>
      )}
    </>
  );
}

function StartedJob({ job }: { job: number | undefined }) {
  return (
    <p role="status">
      {job !== undefined && (
        <>
          {t("jobBegun", { id: job })} <a href="#jobs">{t("jobs")}</a>
        </>
      )}
    </p>
  );
}

export function Backups() {
  const [job, setJob] = useState<number>();
  const { data, error, isBusy, reload } = useRequest(load, [job], job === undefined ? LATER : SOON);
  const { run, error: refusal, isRunning } = useAction();
  const begin = (path: string) =>
    run(async () => {
      setJob(undefined);
      setJob(await start(path));
    });
  const hasNoPlace = isWithoutPlace(error) || data?.directory === null;
  return (
    <section>
      <Busy isBusy={isBusy && !data} />
      <h2>{t("backups")}</h2>
      {hasNoPlace ? <Empty title={t("backupNoPlace", { key: KEY })} note={error?.message ?? ""} /> : <ErrorBox error={error} again={reload} />}
      {data && !hasNoPlace && (
        <>
          <p class="muted">
            {t("backupPlace")} <span class="mono">{data.directory}</span>
          </p>
          {may("system:write") && (
            <p class="links">
              <button type="button" disabled={isRunning} onClick={() => begin(PATH)}>
                {t("backupStart")}
              </button>
            </p>
          )}
          <ErrorBox error={refusal} />
          <StartedJob job={job} />
          {data.backups.length === 0 && <Empty title={t("backupsNone")} note={t("backupsNoneNote")} />}
          {data.backups.length > 0 && (
            <Rows backups={data.backups} isRunning={isRunning} verify={(name) => begin(`${PATH}${encodeURIComponent(name)}/verify/`)} />
          )}
        </>
      )}
    </section>
  );
}
