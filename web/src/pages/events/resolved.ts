// End of an alert of a rule, in words.

import { dateTime } from "../../ui/format.ts";
import type { EventRow } from "./types.ts";
import { t } from "./words.ts";

/** When and by whom an alert was resolved; empty for what goes on, and for events that are no alerts. */
export function resolvedWords({ alert }: Pick<EventRow, "alert">): string {
  if (!alert?.resolvedAt) return "";
  const time = dateTime(Math.floor(Date.parse(alert.resolvedAt) / 1000) * 1000);
  return alert.resolvedBy === "system" || alert.resolvedBy === null ? t("resolvedEnd", { time }) : t("resolvedBy", { time, name: alert.resolvedBy });
}
