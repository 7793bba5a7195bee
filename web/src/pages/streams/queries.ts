// Operations of the page of a stream.

import type { Document } from "../../api/graph.ts";

export const STREAM = `query OneStream($id: Int!) {
  stream(rowId: $id) {
    rowId name label unit type path enabled accessMode deadband pollInterval scale offset byteorder statisticsInterval channel
    createdAt updatedAt metadata group { name } device { rowId name protocol pollInterval }
    latest { ts value text quality }
  }
}` as Document<"OneStream">;

export const VALUES = `subscription StreamValues($streams: [ID!], $after: String) {
  values(streams: $streams, maxRate: 2, after: $after) { readings { streamRowId ts value text quality } cursor }
}` as Document<"StreamValues">;

export const POLICIES = `query StreamPolicies($id: Int!) {
  stream(rowId: $id) { retention { table dropAfter } }
  retention { table dropAfter }
}` as Document<"StreamPolicies">;

export const SET_RETENTION = `mutation SetStreamRetention($stream: ID!, $table: RetentionTable!, $dropAfter: BigInt, $dryRun: Boolean!) {
  setRetention(stream: $stream, table: $table, dropAfter: $dropAfter, dryRun: $dryRun) {
    errors { field message }
    forecast { before bytes files rows }
    policies { table dropAfter }
  }
}` as Document<"SetStreamRetention">;
