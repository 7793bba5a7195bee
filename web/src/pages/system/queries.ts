// Operations and SQL of the page of the system.

import type { Document } from "../../api/graph.ts";

export const HEALTH = "query SystemHealth { health { ok checks { name ok error } } }" as Document<"SystemHealth">;

export const JOBS = `query Jobs {
  jobs(first: 50) {
    totalCount
    nodes { rowId kind name modelRowId state progress error requestedBy createdAt }
  }
}` as Document<"Jobs">;

export const CANCEL_JOB = "mutation CancelJob($id: Int!) { cancelJob(rowId: $id) { errors { field message } } }" as Document<"CancelJob">;

const LOGGED = `started_at, surface, principal, wait_ms, run_ms, rows, outcome, bytes_scanned, peak_memory`;

/** Queries of the log that were longest at work. */
export const SLOW = `SELECT ${LOGGED} FROM query_log ORDER BY run_ms DESC LIMIT 50`;
/** Queries of the log that began last. */
export const NEW = `SELECT ${LOGGED} FROM query_log ORDER BY started_at DESC LIMIT 50`;

export const SYSTEM = `query System {
  system {
    version startedAt uptimeSeconds
    organization { devices streams lakeBytes runningQueries }
    server {
      disk { totalBytes freeBytes usedBytes }
      log { bytes segments }
      memtable { readings flushLagSeconds }
      lake { table files bytes rows days mergeLagFiles }
      memory { residentBytes budgets { budget usedBytes limitBytes } }
      connections { listener open limit }
    }
  }
}` as Document<"System">;

export const RUNNING = `query RunningQueries {
  runningQueries { id caller surface startedAt elapsedMs rows memoryBytes text own }
}` as Document<"RunningQueries">;

export const CANCEL_QUERY = "mutation CancelQuery($id: String!) { cancelQuery(id: $id) { cancelled errors { field message } } }" as Document<"CancelQuery">;
