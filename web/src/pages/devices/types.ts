// Devices as these pages know them.

import type { Data } from "../../api/graph.ts";

export type DeviceRow = Data<"Devices">["devices"]["nodes"][number];
export type DeviceFull = NonNullable<Data<"OneDevice">["device"]>;
export type DeviceStream = Data<"DeviceStreams">["streams"]["nodes"][number];
export type DeviceTest = NonNullable<Data<"TestDevice">["testDevice"]["test"]>;
export type RegisterTest = DeviceTest["registers"][number];
export type Certificate = Data<"OpcuaCertificates">["opcuaCertificates"][number];

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
