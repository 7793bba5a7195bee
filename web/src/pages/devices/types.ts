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
  username: string;
  metadata: Record<string, unknown>;
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

export interface DeviceTest {
  reached: boolean;
  error: string | null;
  connectMs: number | null;
  roundTripMs: number | null;
  registers: RegisterTest[];
}

export interface RegisterTest {
  register: string;
  error: string | null;
  raw: string[];
  dataType: string | null;
  values: { type: string | null; wordorder: string | null; value: string }[];
}

export interface Certificate {
  fingerprint: string;
  state: "new" | "trusted" | "rejected";
  subject: string;
  validFrom: string | null;
  validTo: string | null;
  devices: { rowId: number; name: string }[];
}

/** A node of an OPC UA server, or a tag of a controller, and those below it, as far as they were asked for. */
export interface OpcuaNode {
  node_id: string;
  browse_name: string;
  display_name: string;
  node_class: string;
  truncated?: boolean;
  data_type?: string;
  value?: unknown;
  access?: string;
  children: OpcuaNode[];
}
