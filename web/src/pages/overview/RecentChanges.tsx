// Changes of the last day: what began, what ended, and what somebody has seen, the newest first.

import { BASE } from "../../api/root.ts";
import type { Level } from "../../api/types.ts";
import { now } from "../../ui/clock.ts";
import { shortTime } from "../../ui/format.ts";
import { LevelSign } from "../../ui/parts.tsx";
import { t } from "../../words/index.ts";

export interface Change {
  id: number;
  at: string;
  change: "raised" | "resolved" | "acknowledged";
  level: Level;
  kind: string;
  message: string;
  who: string | null;
}

function Sign({ change: { change, level } }: { change: Change }) {
  return change === "raised" ? <LevelSign level={level} /> : <span class="sign muted">✓ {t(change)}</span>;
}

export function RecentChanges({ changes }: { changes: Change[] }) {
  return (
    <section aria-labelledby="changed">
      <h2 id="changed">
        <a href={`${BASE}/events`}>{t("changed")}</a>
      </h2>
      {changes.length === 0 && <p class="muted">{t("changedNone")}</p>}
      <ul class="changed">
        {changes.map((change) => (
          <li key={`${change.id}${change.change}`}>
            <time class="muted small" dateTime={change.at}>{shortTime(Date.parse(change.at), now.value)}</time>
            <span>
              <Sign change={change} /> <a href={`${BASE}/events/${change.id}`}>{change.message || change.kind}</a>
              {change.who && <span class="muted small"> {change.who}</span>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
