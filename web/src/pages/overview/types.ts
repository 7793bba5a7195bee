// Devices, models and open events, as far as the overview knows them.

import type { Data } from "../../api/graph.ts";
import type { Level } from "../../api/types.ts";

export type DeviceRow = Data<"OverviewDevices">["devices"]["nodes"][number];
export type ModelRow = Data<"OverviewModels">["models"]["nodes"][number];
export type Check = Data<"OverviewHealth">["health"]["checks"][number];

export interface OpenEvent {
  id: number;
  ts: string;
  level: Level;
  kind: string;
  message: string;
  device_id: number | null;
  stream_id: number | null;
}

/** How many open events there are of a level. */
export interface OpenCount {
  level: Level;
  n: number;
}

/** A stream that should have readings and has none, or none for an hour. */
export interface SilentStream {
  id: number;
  name: string;
  device_id: number;
  device: string;
  ts: string | null;
}
