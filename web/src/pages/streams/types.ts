// Streams as their page knows them.

import type { Data } from "../../api/graph.ts";

export type StreamFull = NonNullable<Data<"OneStream">["stream"]>;
export type Policies = Data<"StreamPolicies">;
export type Policy = Policies["retention"][number];
export type RetentionTable = Policy["table"];
export type Forecast = NonNullable<Data<"SetStreamRetention">["setRetention"]["forecast"]>;
