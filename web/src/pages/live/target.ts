// Input of a write to a device when somebody sets the value of a stream: the register behind it, in its own scale.

import type { Data, Variables } from "../../api/graph.ts";
import { parseNumber } from "../../ui/numbers.ts";

type WriteInput = Variables<"WriteStream">["input"];

export type Target = NonNullable<Data<"SetTarget">["stream"]>;

/** Protocols whose registers or nodes can be written. */
const WRITABLE = ["modbus", "melsec", "fenet", "s7", "eip", "opcua"];

export function isSettable({ access_mode, protocol, type }: { access_mode: string; protocol: string; type: string }): boolean {
  return access_mode === "rw" && WRITABLE.includes(protocol) && type !== "json" && type !== "location";
}

function isInteger(type: string): boolean {
  return /^u?int|^byte$|^enum$/.test(type);
}

/** Value that the register gets for a text; undefined if the text is no value of the stream. */
export function rawValue({ type, scale, offset }: Pick<Target, "type" | "scale" | "offset">, text: string): number | boolean | string | undefined {
  if (type === "text") return text;
  if (type === "bit") return text === "1" ? true : text === "0" ? false : undefined;
  const value = parseNumber(text);
  if (value === undefined || Number.isNaN(value) || scale === 0) return undefined;
  // A division leaves the last digits of a double in doubt.
  const raw = Number(((value - offset) / scale).toPrecision(12));
  return isInteger(type) ? Math.round(raw) : raw;
}

/** Input of the mutation. A node of OPC UA and a tag have their type and order from the device; an S7 CPU takes no notice of byte orders. */
export function writeInput(target: Target, value: number | boolean | string): WriteInput {
  const { device } = target;
  const common = { device: String(device?.rowId ?? ""), register: target.path, value };
  if (device?.protocol === "opcua" || device?.protocol === "eip") return common;
  const byteorder = device?.protocol === "s7" ? undefined : (target.byteorder ?? device?.byteorder);
  const order = target.metadata["wordorder"] ?? byteorder;
  return { ...common, type: target.type, ...(order !== undefined && { byteorder: order as NonNullable<WriteInput["byteorder"]> }) };
}
