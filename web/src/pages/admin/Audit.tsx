// The audit log as a line of time, by days, the newest first.

import { useState } from "preact/hooks";
import { send } from "../../api/http.ts";
import { useRequest } from "../../ui/request.ts";
import { formatTime } from "../../ui/format.ts";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { t } from "./words.ts";

interface Entry {
  id: number;
  timestamp: string;
  actor: string | null;
  actor_name: string | null;
  action: string;
  kind: string | null;
  row: number | null;
  fields: string[];
  request: string;
  outcome: string;
  address: string | null;
  count: number;
}

const PAGE = 100;
const ACTIONS = {
  create: "actionCreate",
  update: "actionUpdate",
  delete: "actionDelete",
  access: "actionAccess",
  revoke: "revoked",
  login: "actionLogin",
  logout: "actionLogout",
} as const;

async function load(offset: number, signal: AbortSignal): Promise<Entry[]> {
  // One more than is shown says whether there are older ones.
  return (await send(`/api/audit/?limit=${PAGE + 1}&offset=${offset}`, { signal })).json();
}

function actor({ actor, actor_name }: Entry): string {
  if (actor === null) return "?";
  if (actor === "system") return t("bySystem");
  return actor_name ? `${actor_name} (${actor})` : actor;
}

function Item({ entry }: { entry: Entry }) {
  const isRefused = entry.outcome !== "ok";
  const action = entry.action in ACTIONS ? t(ACTIONS[entry.action as keyof typeof ACTIONS]) : entry.action;
  const what = [entry.kind, entry.row].filter((part) => part !== null).join(" ");
  return (
    <li class={isRefused ? "refused" : ""}>
      <time dateTime={entry.timestamp} class="muted">
        {formatTime(Date.parse(entry.timestamp), { hour: "2-digit", minute: "2-digit", second: "2-digit" })}
      </time>{" "}
      <strong>{actor(entry)}</strong> {what} {action}
      {isRefused && (
        <span class="error-text">
          {" "}
          ✕ {t("refusal")}: {entry.outcome}
        </span>
      )}
      {entry.count > 1 && <span> ({t("manyTimes", { n: entry.count })})</span>}
      <div class="small muted">
        {entry.fields.length > 0 && `${t("fieldsOf")}: ${entry.fields.join(", ")} `}
        {[entry.request, entry.address].filter(Boolean).join(" · ")}
      </div>
    </li>
  );
}

/** Entries of the same day of the reader's zone, in their order. */
function byDay(entries: Entry[]): [string, Entry[]][] {
  const days = new Map<string, Entry[]>();
  for (const entry of entries) {
    const day = formatTime(Date.parse(entry.timestamp), { weekday: "long", year: "numeric", month: "long", day: "numeric" });
    days.set(day, [...(days.get(day) ?? []), entry]);
  }
  return [...days];
}

export function Audit() {
  const [offset, setOffset] = useState(0);
  const { data, error, isBusy, reload } = useRequest((signal) => load(offset, signal), [offset]);
  const shown = data?.slice(0, PAGE) ?? [];
  return (
    <section>
      <Busy isBusy={isBusy} />
      <ErrorBox error={error} again={reload} />
      {data?.length === 0 && <Empty title={t("auditNone")} />}
      {byDay(shown).map(([day, entries]) => (
        <section key={day}>
          <h2>{day}</h2>
          <ul class="timeline">
            {entries.map((entry) => (
              <Item key={entry.id} entry={entry} />
            ))}
          </ul>
        </section>
      ))}
      <p class="links">
        {offset > 0 && (
          <button type="button" onClick={() => setOffset(offset - PAGE)}>
            {t("newer")}
          </button>
        )}
        {(data?.length ?? 0) > PAGE && (
          <button type="button" onClick={() => setOffset(offset + PAGE)}>
            {t("older")}
          </button>
        )}
      </p>
    </section>
  );
}
