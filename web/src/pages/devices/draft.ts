// A device and its streams as somebody fills them in, and as the server takes them. All fields are texts until they are sent.

import type { UserError, Variables } from "../../api/graph.ts";
import { parseNumber } from "../../ui/numbers.ts";
import { FORMS, type ProtocolName, type Setting } from "./protocols.ts";

type StreamInput = Variables<"CreateDeviceStream">["input"];
/** A device as the server takes it, without its protocol, which never changes. */
export type DeviceInput = Omit<Variables<"CreateDevice">["input"], "protocol">;

export interface DeviceDraft {
  protocol: ProtocolName;
  name: string;
  host: string;
  port: string;
  unit: string;
  byteorder: "little" | "big";
  username: string;
  password: string;
  pollInterval: string;
  timeout: string;
  enabled: boolean;
  /** Settings of the protocol, by name; empty for the server's own. */
  settings: Record<string, string>;
}

export interface StreamDraft {
  name: string;
  path: string;
  type: string;
  unit: string;
  accessMode: "r" | "rw";
  /** `abcd` and the like; empty for the device's order. */
  wordorder: string;
}

export const BLANK_STREAM: StreamDraft = { name: "", path: "", type: "fp64", unit: "", accessMode: "r", wordorder: "" };

export function blankDevice(protocol: ProtocolName): DeviceDraft {
  return {
    protocol,
    name: "",
    host: "",
    port: "",
    unit: "1",
    byteorder: "little",
    username: "",
    password: "",
    pollInterval: "1",
    timeout: "3",
    enabled: true,
    settings: {},
  };
}

/** A device that is changed, as the server has it. */
export interface KnownDevice {
  name: string;
  host: string;
  port: number | null;
  unit: number;
  byteorder: string;
  username: string;
  pollInterval: number | null;
  timeout: number;
  enabled: boolean;
  metadata: Record<string, unknown>;
}

export function draftOf(protocol: ProtocolName, known: KnownDevice): DeviceDraft {
  const text = (value: unknown) => (value === null || value === undefined ? "" : String(value));
  return {
    protocol,
    name: known.name,
    host: known.host,
    port: text(known.port),
    unit: text(known.unit),
    byteorder: known.byteorder === "big" ? "big" : "little",
    username: known.username,
    password: "",
    pollInterval: text(known.pollInterval),
    timeout: text(known.timeout),
    enabled: known.enabled,
    settings: Object.fromEntries(FORMS[protocol].settings.map(({ name }) => [name, text(known.metadata[name])])),
  };
}

/** A setting as the server takes it; undefined leaves it out. */
function settingValue({ kind, name }: Setting, text: string): unknown {
  if (text.trim() === "") return undefined;
  if (kind === "flag") return text === "true" ? true : undefined;
  if (kind === "number" || name === "qos") return parseNumber(text);
  return text.trim();
}

/** The metadata of a device: what it had beside the settings of the form stays. */
export function metadataOf(draft: DeviceDraft, known: Record<string, unknown> = {}): Record<string, unknown> {
  const metadata = { ...known };
  for (const setting of FORMS[draft.protocol].settings) {
    const value = settingValue(setting, draft.settings[setting.name] ?? "");
    if (value === undefined) delete metadata[setting.name];
    else metadata[setting.name] = value;
  }
  return metadata;
}

/** Input of a mutation without the protocol; a password that was not typed is left out. */
export function deviceInput(draft: DeviceDraft, known: Record<string, unknown> = {}): DeviceInput {
  const form = FORMS[draft.protocol];
  return {
    name: draft.name.trim(),
    enabled: draft.enabled,
    metadata: metadataOf(draft, known),
    ...(form.hasHost && { host: draft.host.trim() }),
    ...(form.port !== undefined && { port: parseNumber(draft.port) ?? null }),
    ...(form.hasUnit && { unit: parseNumber(draft.unit) ?? 1 }),
    ...(form.hasByteorder && { byteorder: draft.byteorder }),
    ...(form.hasLogin && { username: draft.username.trim() }),
    ...(form.hasLogin && draft.password !== "" && { password: draft.password }),
    ...(form.hasInterval && { pollInterval: parseNumber(draft.pollInterval) ?? null }),
    timeout: parseNumber(draft.timeout) ?? 3,
  };
}

/** Fields that should be numbers and are none: JSON has no such number, so the server could not say it. */
export function numberErrors(draft: DeviceDraft, message: string): UserError[] {
  const form = FORMS[draft.protocol];
  const fields = (["port", "unit", "pollInterval", "timeout"] as const).filter((field) => Number.isNaN(parseNumber(draft[field])));
  const settings = form.settings.filter(({ kind, name }) => kind === "number" && Number.isNaN(parseNumber(draft.settings[name] ?? "")));
  return [...fields.map((field) => ({ field: field as string, message })), ...settings.map(({ name }) => ({ field: name, message }))];
}

export function streamInput(draft: StreamDraft, device: number): StreamInput {
  return {
    device: String(device),
    name: draft.name.trim(),
    path: draft.path.trim(),
    type: draft.type as NonNullable<StreamInput["type"]>,
    unit: draft.unit.trim(),
    accessMode: draft.accessMode,
    ...(draft.wordorder && { metadata: { wordorder: draft.wordorder } }),
  };
}

/** Rows that were filled in. */
export function filled(streams: StreamDraft[]): StreamDraft[] {
  return streams.filter(({ name, path }) => name.trim() !== "" || path.trim() !== "");
}

/** Rows of a spreadsheet, by tabs or semicolons: name, address, type, unit, access. The last three may be missing. */
export function parsePasted(text: string, types: readonly string[]): StreamDraft[] {
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [name = "", path = "", type = "", unit = "", access = ""] = line.split(line.includes("\t") ? "\t" : ";").map((cell) => cell.trim());
      return { ...BLANK_STREAM, name, path, unit, type: types.includes(type) ? type : BLANK_STREAM.type, accessMode: access === "rw" ? "rw" : "r" };
    });
}

/** The type of a stream for a node of OPC UA or a tag, by the name of its data type; of an array, the type of an element. */
export function typeOfNode(dataType: string): string {
  const types: Record<string, string> = {
    Boolean: "bit", SByte: "int16", Byte: "byte", Int16: "int16", UInt16: "uint16", Int32: "int32", UInt32: "uint32", Int64: "int64", UInt64: "uint64",
    Float: "fp32", Double: "fp64", String: "text", LocalizedText: "text", DateTime: "text", UtcTime: "text", Guid: "text", Enumeration: "enum",
    BOOL: "bit", SINT: "int16", INT: "int16", DINT: "int32", LINT: "int64", USINT: "byte", UINT: "uint16", UDINT: "uint32", ULINT: "uint64",
    BYTE: "byte", WORD: "uint16", DWORD: "uint32", LWORD: "uint64", REAL: "fp32", LREAL: "fp64", STRING: "text", SHORT_STRING: "text",
  };
  return types[dataType.replace(/\[.*$/, "")] ?? "fp64";
}

/** A name for the stream of a node: the text of its id where it has one, which tells where it is, else its own name. The id of a tag is such a text. */
export function nameOfNode(nodeId: string, displayName: string): string {
  if (!nodeId.includes("=")) return nodeId;
  return /;s=(.+)$/.exec(nodeId)?.[1] ?? displayName;
}
