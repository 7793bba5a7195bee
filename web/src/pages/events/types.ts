// What the event pages know of an event.

import type { Event } from "../../api/types.ts";

export interface EventRow extends Event {
  acknowledgedBy: string | null;
  acknowledgedAt: string | null;
  /** What somebody wrote about it. */
  note: string | null;
  /** What became of an alert of a rule: when it was resolved, and by whom; `system` when its condition ended. */
  alert: { resolvedAt: string | null; resolvedBy: string | null } | null;
}
