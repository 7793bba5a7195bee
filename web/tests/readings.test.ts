// Lines of CSV as readings, in both layouts, and how a layout is guessed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Shape, shapeOf } from "../src/pages/data/csv.ts";
import { isUsedTwice, longColumns, timeColumn } from "../src/pages/data/guess.ts";
import { indexOf, readLines, streamOf } from "../src/pages/data/readings.ts";

const device = (rowId: number) => ({ rowId, name: `press ${rowId}` });
const INDEX = indexOf([
  { rowId: 7, name: "speed", type: "fp64", device: device(1) },
  { rowId: 8, name: "count", type: "int64", device: device(1) },
  { rowId: 9, name: "recipe", type: "text", device: device(1) },
  { rowId: 10, name: "speed", type: "fp64", device: device(2) },
  { rowId: 11, name: "setup", type: "json", device: device(2) },
]);
const COMMON = { delimiter: "," as const, isLocal: false, time: 0 };
const TS = '"ts":1777377600';

test("of a column for each stream an empty cell is no reading, and a wrong line is left out as a whole", () => {
  const mapping = { ...COMMON, streams: [null, 7, null, 8] };
  const { readings, wrong } = readLines(["1777377600,1,x,2", "1777377601,,x,3\r", "", "1777377602,1,x,bad", "never,1,x,2", "1777377603,1"], mapping, INDEX);
  assert.deepEqual(readings, [
    `{"stream_id":7,${TS},"value":1}`,
    `{"stream_id":8,${TS},"value":2}`,
    '{"stream_id":8,"ts":1777377601,"value":3}',
  ]);
  assert.deepEqual(wrong, ["1777377602,1,x,bad", "never,1,x,2", "1777377603,1"]);
});

test("a stream of text takes any text, and no cell that goes on in the next line", () => {
  const mapping = { ...COMMON, streams: [null, 9, 8] };
  const { readings, wrong } = readLines(['1777377600,"a ""b"", c",', "1777377600,42,9007199254740993", '1777377601,"first', 'second",1'], mapping, INDEX);
  assert.deepEqual(readings, [
    `{"stream_id":9,${TS},"text":"a \\"b\\", c"}`,
    `{"stream_id":9,${TS},"text":"42"}`,
    `{"stream_id":8,${TS},"value":9007199254740993}`,
  ]);
  assert.deepEqual(wrong, ['1777377601,"first', 'second",1']);
});

const LONG = { ...COMMON, columns: 4, stream: 1, device: 2, value: 3, text: null, quality: null };

test("of a row for each value the stream is found by name and device, or by row number", () => {
  const lines = ["1777377600,speed,press 2,1.5", "1777377600,7,,2", "1777377600,recipe,,steel", "1777377600,count,,"];
  const { readings, wrong } = readLines(lines, LONG, INDEX);
  assert.deepEqual(readings, [`{"stream_id":10,${TS},"value":1.5}`, `{"stream_id":7,${TS},"value":2}`, `{"stream_id":9,${TS},"text":"steel"}`]);
  assert.deepEqual(wrong, []);
});

test("a row is left out whose stream is unknown, ambiguous, of another device or of no kind that is imported", () => {
  const lines = [
    "1777377600,pressure,,1",
    "1777377600,speed,,1",
    "1777377600,count,press 2,1",
    "1777377600,7,press 2,1",
    "1777377600,setup,,{}",
    "1777377600,speed,press 1,fast",
    "1777377600,speed,press 1",
  ];
  const { readings, wrong } = readLines(lines, LONG, INDEX);
  assert.deepEqual([readings, wrong], [[], lines]);
});

test("an export is read again: texts in a column of their own, qualities, and bad readings without a value", () => {
  const mapping = { ...COMMON, columns: 6, stream: 2, device: null, value: 3, text: 4, quality: 5 };
  const lines = [
    "1777377600,speed,7,1.5,,good",
    "1777377600,speed,7,,,bad",
    "1777377600,recipe,9,,steel,uncertain",
    "1777377600,speed,7,1,,excellent",
    "1777377600,speed,7,,,",
  ];
  const { readings, wrong } = readLines(lines, mapping, INDEX);
  assert.deepEqual(
    readings,
    [`{"stream_id":7,${TS},"value":1.5}`, `{"stream_id":7,${TS},"quality":"bad"}`, `{"stream_id":9,${TS},"text":"steel","quality":"uncertain"}`],
  );
  assert.deepEqual(wrong, ["1777377600,speed,7,1,,excellent"]);
});

test("a name goes before a row number", () => {
  const index = indexOf([{ rowId: 1, name: "2", type: "fp64", device: null }, { rowId: 2, name: "b", type: "fp64", device: null }]);
  assert.equal(streamOf(index, "2", "")?.rowId, 1);
  assert.equal(streamOf(index, "3", ""), undefined);
});

test("a layout is guessed by what the first lines name", () => {
  const guess = (text: string) => {
    const shape = shapeOf(text) as Shape;
    return longColumns(shape, timeColumn(shape), INDEX);
  };
  const columns = { device: null, text: null, quality: null };
  assert.deepEqual(guess("ts,stream,stream_id,value,text,quality\n1777377600,speed,7,1,,good\n"), { stream: 2, device: null, value: 3, text: 4, quality: 5 });
  assert.deepEqual(guess("Wert;Messreihe;Zeit\n1,5;count;1.5.2026\n"), { ...columns, stream: 1, value: 0 });
  assert.deepEqual(guess("time,device,tag,x,y\n1777377600,press 2,speed,ok,4\n"), { ...columns, stream: 2, device: 1, value: 4 });
  assert.equal(guess("time,count,recipe\n1777377600,7,8\n"), undefined, "values are no row numbers");
  assert.equal(guess("time,tag,value\n1777377600,speed,1\n"), undefined, "two devices have it");
});

test("a column is used once", () => {
  const columns = { stream: 1, device: null, value: 2, text: null, quality: null };
  assert.equal(isUsedTwice(columns, 0), false);
  assert.equal(isUsedTwice(columns, 1), true);
  assert.equal(isUsedTwice({ ...columns, text: 2 }, 0), true);
});
