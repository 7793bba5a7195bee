// The forms of devices, and the tree of an OPC UA server or a controller.

import assert from "node:assert/strict";
import { test } from "node:test";
import { certificatesOf } from "../src/pages/devices/certificate.ts";
import {
  BLANK_STREAM,
  blankDevice,
  deviceInput,
  draftOf,
  filled,
  metadataOf,
  nameOfNode,
  numberErrors,
  parsePasted,
  streamInput,
  typeOfNode,
} from "../src/pages/devices/draft.ts";
import { FORMS, PROTOCOLS, TYPES } from "../src/pages/devices/protocols.ts";
import { isVariable, shortReading, shortValue, streamOf, withChildren } from "../src/pages/devices/tree.ts";
import type { Certificate, OpcuaNode } from "../src/pages/devices/types.ts";

test("a device without anything filled in is sent with the server's defaults, and only with the fields of its protocol", () => {
  assert.deepEqual(deviceInput(blankDevice("modbus")), {
    name: "", enabled: true, metadata: {}, host: "", port: null, unit: 1, byteorder: "little", pollInterval: 1, timeout: 3,
  });
  assert.deepEqual(Object.keys(deviceInput(blankDevice("virtual"))).sort(), ["enabled", "metadata", "name", "pollInterval", "timeout"]);
  for (const protocol of PROTOCOLS) assert.equal(deviceInput(blankDevice(protocol))["password"], undefined, protocol);
});

test("the numbers that name an S7 CPU are settings, and it has neither unit nor byte order", () => {
  const draft = { ...blankDevice("s7"), settings: { rack: "0", slot: "2", connection: "op" } };
  const sent = deviceInput(draft);
  assert.deepEqual(sent["metadata"], { rack: 0, slot: 2, connection: "op" });
  assert.ok(!("unit" in sent) && !("byteorder" in sent));
});

test("an empty interval is no polling, and a decimal comma is taken", () => {
  assert.equal(deviceInput({ ...blankDevice("http"), pollInterval: "" })["pollInterval"], null);
  assert.equal(deviceInput({ ...blankDevice("http"), pollInterval: "0,5" })["pollInterval"], 0.5);
});

test("settings have the types that the server wants; those of the server and what somebody else keeps there stay", () => {
  const draft = { ...blankDevice("mqtt"), settings: { qos: "0", keep_alive: "10", client_id: " me ", topic_filter: "" } };
  assert.deepEqual(metadataOf(draft, { hall: 2, topic_filter: "#" }), { hall: 2, qos: 0, keep_alive: 10, client_id: "me" });
  assert.deepEqual(
    metadataOf({ ...blankDevice("modbus"), settings: { writes_lists: "true", framing: "rtu_over_tcp" } }),
    { writes_lists: true, framing: "rtu_over_tcp" },
  );
  assert.deepEqual(metadataOf({ ...blankDevice("modbus"), settings: { writes_lists: "" } }, { writes_lists: true }), {});
});

test("a device that was not changed is sent as it is", () => {
  const known = {
    name: "PLC",
    host: "10.0.0.1",
    port: null,
    unit: 3,
    byteorder: "big",
    username: "",
    pollInterval: 0.5,
    timeout: 2,
    enabled: false,
    metadata: { frame: "4E", network: 0, hall: "A" },
  };
  assert.deepEqual(deviceInput(draftOf("melsec", known), known.metadata), {
    name: "PLC", enabled: false, metadata: known.metadata, host: "10.0.0.1", port: null, unit: 3, byteorder: "big", pollInterval: 0.5, timeout: 2,
  });
});

test("what is no number is said at its field, also of a setting", () => {
  const draft = { ...blankDevice("melsec"), port: "x", settings: { network: "y", pc: "1" } };
  assert.deepEqual(numberErrors(draft, "no"), [{ field: "port", message: "no" }, { field: "network", message: "no" }]);
});

test("rows that were left blank are no streams", () => {
  assert.deepEqual(filled([BLANK_STREAM, { ...BLANK_STREAM, name: "a" }, { ...BLANK_STREAM, path: " " }]).map(({ name }) => name), ["a"]);
});

test("a stream has a word order only where one is chosen", () => {
  const row = { ...BLANK_STREAM, name: " oven ", path: "hr:1" };
  assert.equal("metadata" in streamInput(row, 4), false);
  assert.deepEqual(
    streamInput({ ...row, wordorder: "cdab" }, 4),
    { device: "4", name: "oven", path: "hr:1", type: "fp64", unit: "", accessMode: "r", metadata: { wordorder: "cdab" } },
  );
});

test("rows of a spreadsheet", () => {
  const rows = parsePasted("speed\thr:0\tuint16\trpm\trw\r\n\ntemp;hr:1\nx\thr:2\tnonsense", TYPES);
  assert.deepEqual(rows.map(({ name, path, type, unit, accessMode }) => [name, path, type, unit, accessMode]), [
    ["speed", "hr:0", "uint16", "rpm", "rw"],
    ["temp", "hr:1", "fp64", "", "r"],
    ["x", "hr:2", "fp64", "", "r"],
  ]);
});

test("each choice begins with what the server takes without the setting, and no setting is there twice", () => {
  for (const protocol of PROTOCOLS) {
    const names = FORMS[protocol].settings.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length, protocol);
    for (const { kind, options } of FORMS[protocol].settings) assert.equal(kind === "choice", options !== undefined, protocol);
  }
});

const node = (node_id: string, node_class: string, more: Partial<OpcuaNode> = {}): OpcuaNode => ({
  node_id,
  node_class,
  browse_name: "2:x",
  display_name: "x",
  children: [],
  ...more,
});

test("a node becomes a stream of its type, its access and the name in its id", () => {
  const speed = node("ns=2;s=motor.speed", "Variable", { data_type: "Float", access: "rw" });
  assert.deepEqual(streamOf(speed), { ...BLANK_STREAM, name: "motor.speed", path: "ns=2;s=motor.speed", type: "fp32", accessMode: "rw" });
  assert.equal(nameOfNode("i=2258", "CurrentTime"), "CurrentTime");
  assert.equal(typeOfNode("Boolean"), "bit");
  const tag = node("Program:Main.speed", "Variable", { data_type: "REAL", access: "" });
  assert.deepEqual(streamOf(tag), { ...BLANK_STREAM, name: "Program:Main.speed", path: "Program:Main.speed", type: "fp32", accessMode: "r" });
  assert.equal(typeOfNode("DINT[4,5]"), "int32");
  assert.equal(typeOfNode("Something"), "fp64");
  assert.ok(isVariable(speed) && !isVariable(node("i=1", "Object")));
});

test("children are put below their node, however deep it is", () => {
  const root = node("i=85", "Object", { children: [node("a", "Object", { children: [node("b", "Object")] })] });
  const found = withChildren(root, "b", [node("c", "Variable")]);
  assert.equal(found.children[0]?.children[0]?.children[0]?.node_id, "c");
  assert.equal(root.children[0]?.children[0]?.children.length, 0);
});

test("a long value is cut", () => {
  assert.equal(shortValue(null), "");
  assert.equal(shortValue({ a: 1 }), '{"a":1}');
  assert.equal(shortValue("x".repeat(50)).length, 40);
});

test("the certificates of a device's server, those without a decision first", () => {
  const certificate = (fingerprint: string, state: Certificate["state"], device: number): Certificate => ({
    fingerprint,
    state,
    subject: "",
    validFrom: null,
    validTo: null,
    devices: [{ rowId: device, name: "" }],
  });
  const all = [certificate("1", "trusted", 4), certificate("2", "new", 5), certificate("3", "new", 4)];
  assert.deepEqual(certificatesOf(all, 4).map(({ fingerprint }) => fingerprint), ["3", "1"]);
});

test("a reading of the wrong order does not fill the page, and one of the right order is whole", () => {
  assert.equal(shortReading(`104858912493812570${"0".repeat(24)}`, "fp64"), "1.0486e+41");
  assert.equal(shortReading(`-0.${"0".repeat(80)}12842651629758081`, "fp64"), "-1.2843e-81");
  for (const value of ["60.32075119018555", "18446744073709551615", "-9223372036854775808", "true", "a text of a device that is long"]) {
    assert.equal(shortReading(value, "fp64"), value);
  }
  assert.equal(shortReading("1".repeat(30), "text"), "1".repeat(30));
  assert.equal(shortReading("1".repeat(30), "String"), "1".repeat(30));
});
