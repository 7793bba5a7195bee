// Devices as these pages know them.

import type { DeviceState, Reading, Stream } from "../../api/types.ts";

export interface DeviceRow {
  rowId: number;
  name: string;
  protocol: string;
  host: string;
  port: number | null;
  status: { state: DeviceState; lastError: string | null; lastSeen: string | null; latencyP50Ms: number | null };
}

export interface DeviceFull extends DeviceRow {
  unit: number;
  enabled: boolean;
  pollInterval: number | null;
  timeout: number;
  byteorder: string;
  product: { name: string };
  status: DeviceRow["status"] & {
    latencyP99Ms: number | null;
    latenessP50Ms: number | null;
    latenessP99Ms: number | null;
    readings: number;
    reads: number;
    reconnects: number;
    skipped: number;
    errors: { timeout: number; refused: number; protocol: number; other: number };
  };
}

export type DeviceStream = Stream & { latest: Reading | null };

export interface StateChange {
  deviceStates: { device: { rowId: number }; state: DeviceState; lastError: string | null; lastSeen: string | null };
}
