// Settings that the form of a device asks for, protocol by protocol.

export const PROTOCOLS = ["modbus", "melsec", "fenet", "s7", "eip", "opcua", "mqtt", "http", "virtual"] as const;
export type ProtocolName = (typeof PROTOCOLS)[number];

/** A setting in the device's metadata, by its name there, which documentation and errors use too. */
export interface Setting {
  name: string;
  kind: "choice" | "text" | "number" | "flag";
  /** Of a choice; the first is what the server takes without the setting. */
  options?: readonly string[];
}

export interface ProtocolForm {
  title: string;
  /** The port without one; undefined where the form asks for none. */
  port?: number;
  hasHost: boolean;
  hasUnit: boolean;
  hasByteorder: boolean;
  hasLogin: boolean;
  hasInterval: boolean;
  /** Whether the server can try it before it is saved. */
  canTest: boolean;
  hostExample: string;
  pathExample: string;
  settings: readonly Setting[];
}

const REGISTERS = { hasHost: true, hasUnit: true, hasByteorder: true, hasLogin: false, hasInterval: true, canTest: true, hostExample: "10.0.4.12" };

/** Of every protocol whose devices have a connection of their own. */
const CONNECTION: readonly Setting[] = [
  { name: "pause_after_connect", kind: "number" },
  { name: "pause_between_requests", kind: "number" },
  { name: "close_after_poll", kind: "flag" },
];

export const FORMS: Record<ProtocolName, ProtocolForm> = {
  modbus: {
    ...REGISTERS,
    title: "Modbus (TCP, RTU)",
    port: 502,
    hostExample: "10.0.4.12, /dev/ttyUSB0",
    pathExample: "hr:100",
    settings: [
      { name: "framing", kind: "choice", options: ["", "tcp", "rtu_over_tcp", "rtu"] },
      { name: "baud", kind: "number" },
      { name: "parity", kind: "choice", options: ["even", "odd", "none"] },
      { name: "stop_bits", kind: "number" },
      { name: "max_gap", kind: "number" },
      { name: "writes_lists", kind: "flag" },
      { name: "echo", kind: "flag" },
      ...CONNECTION,
    ],
  },
  melsec: {
    ...REGISTERS,
    title: "MELSEC (SLMP, MC)",
    port: 5007,
    pathExample: "D100",
    settings: [
      { name: "frame", kind: "choice", options: ["3E", "4E"] },
      { name: "encoding", kind: "choice", options: ["binary", "ascii"] },
      { name: "transport", kind: "choice", options: ["tcp", "udp"] },
      { name: "series", kind: "choice", options: ["q", "iqr"] },
      { name: "xy_radix", kind: "choice", options: ["hex", "oct"] },
      { name: "network", kind: "number" },
      { name: "pc", kind: "number" },
      { name: "module_io", kind: "number" },
      ...CONNECTION,
    ],
  },
  fenet: {
    ...REGISTERS,
    title: "LS FEnet (XGT)",
    port: 2004,
    pathExample: "%DW100",
    settings: [
      { name: "cpu", kind: "choice", options: ["XGK", "XGI", "XGR", "XGB", "XGB-IEC"] },
      { name: "base", kind: "number" },
      ...CONNECTION,
    ],
  },
  s7: {
    ...REGISTERS,
    // The TSAP names the CPU, and all its numbers have the high byte first.
    hasUnit: false,
    hasByteorder: false,
    title: "Siemens S7",
    port: 102,
    pathExample: "DB1.DBD0",
    settings: [
      { name: "rack", kind: "number" },
      { name: "slot", kind: "number" },
      { name: "connection", kind: "choice", options: ["pg", "op", "basic"] },
      { name: "local_tsap", kind: "number" },
      { name: "remote_tsap", kind: "number" },
      { name: "max_gap", kind: "number" },
      ...CONNECTION,
    ],
  },
  eip: {
    ...REGISTERS,
    title: "EtherNet/IP (Logix)",
    port: 44818,
    hasUnit: false,
    hasByteorder: false,
    pathExample: "Program:Main.speed",
    settings: [
      { name: "routing", kind: "choice", options: ["backplane", "direct"] },
      { name: "slot", kind: "number" },
      ...CONNECTION,
    ],
  },
  opcua: {
    title: "OPC UA",
    port: 4840,
    hasHost: true,
    hasUnit: false,
    hasByteorder: false,
    hasLogin: true,
    hasInterval: true,
    canTest: true,
    hostExample: "opc.tcp://kiln:4840/",
    pathExample: "ns=2;s=Line1.Temp",
    settings: [
      { name: "security_policy", kind: "choice", options: ["None", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"] },
      { name: "security_mode", kind: "choice", options: ["", "None", "Sign", "SignAndEncrypt"] },
      { name: "use_subscription", kind: "flag" },
      { name: "user_certificate", kind: "text" },
    ],
  },
  mqtt: {
    title: "MQTT",
    hasHost: true,
    hasUnit: false,
    hasByteorder: false,
    hasLogin: true,
    hasInterval: false,
    canTest: false,
    hostExample: "mqtts://broker:8883",
    pathExample: "line/1#/temp/value",
    settings: [
      { name: "format", kind: "choice", options: ["json", "sparkplug"] },
      { name: "host_id", kind: "text" },
      { name: "client_id", kind: "text" },
      { name: "qos", kind: "choice", options: ["1", "0"] },
      { name: "keep_alive", kind: "number" },
      { name: "ca_file", kind: "text" },
      { name: "topic_filter", kind: "text" },
      { name: "time_pointer", kind: "text" },
    ],
  },
  http: {
    title: "HTTP (JSON)",
    hasHost: true,
    hasUnit: false,
    hasByteorder: false,
    hasLogin: true,
    hasInterval: true,
    canTest: false,
    hostExample: "https://meter.example.com/status.json",
    pathExample: "/phases/0/power",
    settings: [{ name: "method", kind: "choice", options: ["GET", "POST"] }],
  },
  virtual: {
    title: "Virtual",
    hasHost: false,
    hasUnit: false,
    hasByteorder: false,
    hasLogin: false,
    hasInterval: true,
    canTest: false,
    hostExample: "",
    pathExample: "",
    settings: [
      { name: "generator", kind: "choice", options: ["", "sine", "random"] },
      { name: "amplitude", kind: "number" },
      { name: "mean", kind: "number" },
      { name: "frequency", kind: "number" },
    ],
  },
};

/** Protocols whose devices list what can be read of them. */
export function isBrowsed(protocol: string): boolean {
  return protocol === "opcua" || protocol === "eip";
}

export function isKnown(protocol: string): protocol is ProtocolName {
  return (PROTOCOLS as readonly string[]).includes(protocol);
}

/** Types of values, as streams have them. */
export const TYPES = [
  "bit",
  "byte",
  "int16",
  "int32",
  "int64",
  "uint16",
  "uint32",
  "uint64",
  "fp16",
  "fp32",
  "fp64",
  "text",
  "json",
  "enum",
  "location",
] as const;
