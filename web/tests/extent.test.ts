// The strip of all data, the program of Python, and what is written to a device.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DAY } from "../src/chart/levels.ts";
import { isSettable, rawValue, type Target, writeInput } from "../src/pages/live/target.ts";
import { barsPath, dragged, gripAt, rangeOfDays, trimmed } from "../src/pages/trend/extent.ts";
import { pythonOf } from "../src/pages/trend/python.ts";

const day = (n: number, hour = 0) => Date.UTC(2026, 4, n, hour);

test("all data is from its first day to the end of its last, or to now", () => {
  assert.equal(rangeOfDays([], day(9)), undefined);
  const days = [{ time: day(1), n: 5 }, { time: day(3), n: 1 }];
  assert.deepEqual(rangeOfDays(days, day(9)), { from: day(1), to: day(4) });
  assert.deepEqual(rangeOfDays(days, day(3, 7)), { from: day(1), to: day(3, 7) });
});

test("a range ends with the bucket of its last reading, and never grows", () => {
  const readings = [{ time: day(1, 12), n: 5 }, { time: day(1, 14), n: 5 }];
  assert.deepEqual(trimmed({ from: day(1), to: day(2) }, readings, 3_600_000), { from: day(1, 12), to: day(1, 15) });
  assert.deepEqual(trimmed({ from: day(1, 13), to: day(1, 14) }, readings, DAY), { from: day(1, 13), to: day(1, 14) });
  assert.deepEqual(trimmed({ from: 0, to: 1 }, [], DAY), { from: 0, to: 1 });
});

test("the fullest bucket is as high as the strip, and a bucket with one reading is seen", () => {
  const path = barsPath([{ time: 0, n: 1 }, { time: 50, n: 1_000_000 }], { from: 0, to: 100 }, 50, 100, 30);
  assert.equal(path, "M0.0 30V29.0H50.0V30ZM50.0 30V0.0H100.0V30Z");
});

test("a pointer takes an edge when it is near, else the window, else nothing", () => {
  const window = { from: 100, to: 200 };
  assert.deepEqual([95, 150, 205, 250].map((time) => gripAt(time, window, 8)), ["from", "whole", "to", undefined]);
});

test("a window is moved whole or by an edge, which stops before the other", () => {
  const window = { from: 100, to: 200 };
  assert.deepEqual(dragged(window, "whole", 50, 10), { from: 150, to: 250 });
  assert.deepEqual(dragged(window, "from", 500, 10), { from: 190, to: 200 });
  assert.deepEqual(dragged(window, "to", -500, 10), { from: 100, to: 110 });
});

test("a statement stands in a program of Python as it is", () => {
  const program = pythonOf("SELECT 'it''s', \"a\\b\" FROM readings", "http://plant.test");
  assert.ok(program.includes("SELECT 'it''s', \"a\\\\b\" FROM readings"), program);
  assert.ok(program.includes('"http://plant.test/sql"'));
  assert.doesNotMatch(pythonOf('SELECT """', ""), /SELECT """/);
});

const target: Target = {
  rowId: 1,
  name: "setpoint",
  unit: "°C",
  type: "int16",
  path: "D2",
  scale: 0.1,
  offset: 0,
  byteorder: null,
  metadata: {},
  latest: null,
  device: { rowId: 7, name: "PLC", protocol: "melsec", byteorder: "little" },
};

test("a value becomes what the register holds, without the noise of a division", () => {
  assert.equal(rawValue(target, "700,5"), 7005);
  assert.equal(rawValue({ type: "fp32", scale: 0.1, offset: 5 }, "5.3"), 3);
  assert.equal(rawValue({ type: "int16", scale: 1, offset: 0 }, "2.6"), 3);
  assert.equal(rawValue({ type: "bit", scale: 1, offset: 0 }, "1"), true);
  assert.equal(rawValue({ type: "text", scale: 1, offset: 0 }, "5"), "5");
  assert.equal(rawValue(target, "hot"), undefined);
  assert.equal(rawValue(target, ""), undefined);
});

test("a register is written in the order of its stream, else of its device; a node as its server knows it", () => {
  assert.deepEqual(writeInput(target, 5), { device: "7", register: "D2", value: 5, type: "int16", byteorder: "little" });
  assert.equal(writeInput({ ...target, metadata: { wordorder: "cdab" }, byteorder: "big" }, 5)["byteorder"], "cdab");
  assert.equal(writeInput({ ...target, byteorder: "big" }, 5)["byteorder"], "big");
  const s7 = { ...target, path: "DB1.DBW4", device: { rowId: 7, name: "press", protocol: "s7", byteorder: "little" } };
  assert.deepEqual(writeInput(s7, 5), { device: "7", register: "DB1.DBW4", value: 5, type: "int16" });
  assert.equal(writeInput({ ...s7, metadata: { wordorder: "dcba" } }, 5)["byteorder"], "dcba");
  const tag = { ...target, device: { rowId: 7, name: "line", protocol: "eip", byteorder: "little" } };
  assert.equal("type" in writeInput(tag, 1), false);
  const node = { ...target, device: { rowId: 7, name: "kiln", protocol: "opcua", byteorder: "little" } };
  assert.deepEqual(writeInput(node, 5), { device: "7", register: "D2", value: 5 });
});

test("only streams that may be written, of devices that can be, are set", () => {
  const stream = { access_mode: "rw", protocol: "modbus", type: "fp32" };
  assert.ok(isSettable(stream));
  for (const other of [{ access_mode: "r" }, { protocol: "http" }, { protocol: "virtual" }, { type: "json" }]) assert.ok(!isSettable({ ...stream, ...other }));
});
