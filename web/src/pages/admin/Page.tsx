// The administration: keys, users, the audit log and retention, each below its own address.

import type { ComponentType } from "preact";
import { BASE } from "../../api/root.ts";
import { Audit } from "./Audit.tsx";
import { Keys } from "./Keys.tsx";
import { Retention } from "./Retention.tsx";
import { Users } from "./Users.tsx";
import { t } from "./words.ts";

const TABS: Record<string, ComponentType> = { keys: Keys, users: Users, audit: Audit, retention: Retention };
const WORDS = ["keys", "users", "audit", "retention"] as const;

export default function Admin({ id }: { id: string }) {
  const current = id in TABS ? id : "keys";
  const Tab = TABS[current] as ComponentType;
  return (
    <div class="page">
      <h1>{t("admin")}</h1>
      <nav class="tabs" aria-label={t("admin")}>
        {WORDS.map((word) => (
          <a key={word} href={`${BASE}/admin/${word}`} aria-current={word === current ? "page" : undefined}>
            {t(word)}
          </a>
        ))}
      </nav>
      <Tab />
    </div>
  );
}
