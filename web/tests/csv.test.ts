// CSV: columns and cells.

import assert from "node:assert/strict";
import { test } from "node:test";
import { cells, isWhole, lastLine, numberOf, numberText, shapeOf, timeOf } from "../src/pages/data/csv.ts";

test("cells may be quoted", () => {
  assert.deepEqual(cells('a, "b, c" ,"d ""e"""', ","), ["a", "b, c", 'd "e"']);
  assert.deepEqual(cells("1;;3", ";"), ["1", "", "3"]);
});

test("the delimiter is found by the first line", () => {
  const shape = shapeOf("\uFEFFZeit;Öl\r\n1.5.2026 06:00;1,5\r\n1.5.2026 06:01;1,6");
  assert.deepEqual([shape?.delimiter, shape?.columns, shape?.headBytes], [";", ["Zeit", "Öl"], 13]);
  assert.deepEqual(shape?.samples, [["1.5.2026 06:00", "1,5"], ["1.5.2026 06:01", "1,6"]]);
  assert.equal(shapeOf("one column\n1"), undefined);
  assert.equal(shapeOf("a,b"), undefined, "without a line there is nothing to import");
});

test("times are ISO-8601, seconds or German, and UTC where no zone is said", () => {
  const cases: [string, string | number | undefined][] = [
    ["2026-05-01 06:00:00", "2026-05-01T06:00:00Z"],
    ["2026-05-01T06:00:00.123456+02:00", "2026-05-01T06:00:00.123456+02:00"],
    ["2026-05-01", "2026-05-01T00:00Z"],
    ["1.5.2026 6:05", "2026-05-01T06:05Z"],
    ["14.05.2026 16:00:01,5", "2026-05-14T16:00:01.5Z"],
    ["1777377600", 1_777_377_600],
    ["2028-02-29T23:59:59.123456789Z", "2028-02-29T23:59:59.123456789Z"],
    ["2026-13-01", undefined],
    ["2026-04-31T06:00:00Z", undefined],
    ["31.4.2026 06:00", undefined],
    ["2026-05-01T24:00:00Z", undefined],
    ["2026-05-01T06:00:00.1234567890Z", undefined],
    ["0202-05-01T06:00:00Z", undefined],
    ["2262-05-01T06:00:00Z", undefined],
    ["soon", undefined],
    ["", undefined],
  ];
  for (const [text, expected] of cases) assert.equal(timeOf(text, false), expected, text);
  assert.equal(timeOf("2026-05-01 06:00", true), new Date("2026-05-01T06:00").toISOString());
});

test("a comma is decimal where it does not part columns", () => {
  assert.equal(numberOf("1,5", ";"), 1.5);
  assert.equal(numberOf("1.234,5", ";"), 1234.5);
  assert.equal(numberOf("1.5", ";"), 1.5);
  assert.equal(numberOf("-2e3", ","), -2000);
  for (const text of ["", "x", "1 2", "NaN"]) assert.equal(numberOf(text, ","), undefined, text);
});

test("a whole number keeps the digits that a double has no room for", () => {
  assert.equal(numberText("9223372036854775807", ","), "9223372036854775807");
  assert.equal(numberText("-0012", ","), "-12");
  assert.equal(numberText("1.234,5", ";"), "1234.5");
  for (const text of ["", "x", "1 2", "Infinity"]) assert.equal(numberText(text, ","), undefined, text);
});

test("a line whose quotes are not closed is no whole line", () => {
  assert.equal(isWhole('1,"a ""b""",2'), true);
  assert.equal(isWhole('1,"the rest is on the next line'), false);
});

test("a piece ends with its last whole line", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  assert.equal(lastLine(bytes("a\nb\nc")), 4);
  assert.equal(lastLine(bytes("abc")), -1);
});
