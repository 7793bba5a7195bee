// Small images that the painter draws: spikes are seen, gaps are empty, joins are joins.

import assert from "node:assert/strict";
import { test } from "node:test";
import { extent, isJoined, intervalOf, type Marks, markAt, marksOf } from "../src/chart/marks.ts";
import { paint, type Pen } from "../src/chart/paint.ts";
import { lane, runs } from "../src/chart/quality.ts";
import { withPriorReading } from "../src/chart/priorReading.ts";
import { rawTile } from "../src/chart/loader.ts";

const WIDTH = 100;
const HEIGHT = 50;
const PEN: Pen = { colour: { r: 10, g: 20, b: 30 }, thickness: 1, isStepped: false, dash: 0, interval: 10, band: 96 };
const WINDOW = { from: 0, to: 1000, lo: 0, hi: 50 };

/** Buckets of a length, as [start, lo, hi, mean]; NaN where nothing has a value. */
function buckets(length: number, rows: [number, number, number, number][], n = 10): Marks {
  const column = (i: number) => rows.map((row) => row[i] as number);
  return {
    start: column(0),
    end: column(0).map((start) => start + length),
    lo: column(1),
    hi: column(2),
    mean: column(3),
    n: rows.map(([, lo]) => (Number.isNaN(lo) ? 0 : n)),
    bad: rows.map(([, lo]) => (Number.isNaN(lo) ? n : 0)),
    uncertain: rows.map(() => 0),
  };
}

function readings(rows: [number, number][]): Marks {
  return buckets(0, rows.map(([t, value]) => [t, value, value, value]), 1);
}

function painted(marks: Marks, pen: Partial<Pen> = {}): (x: number, y: number) => number {
  const surface = { width: WIDTH, height: HEIGHT, data: new Uint8ClampedArray(WIDTH * HEIGHT * 4) };
  paint(surface, marks, WINDOW, { ...PEN, ...pen });
  return (x, y) => surface.data[(y * WIDTH + x) * 4 + 3] as number;
}

/** The rows of a column that have any ink. */
function ink(at: (x: number, y: number) => number, x: number): number[] {
  return Array.from({ length: HEIGHT }, (_, y) => y).filter((y) => at(x, y) > 0);
}

test("a bucket's whole height is drawn, whatever its mean: a spike of one second is seen at a year", () => {
  const at = painted(buckets(10, [[500, 0, 49, 1]]));
  assert.equal(ink(at, 50).length, 49);
  assert.ok(at(50, 48) > at(50, 10), "the mean is stronger than the band");
});

test("there is no ink in a gap, at any level", () => {
  for (const [length, interval] of [[10, 10], [1, 1], [100, 100]] as const) {
    const rows: [number, number, number, number][] = [[0, 10, 20, 15], [length, 10, 20, 15], [900, 10, 20, 15]];
    const at = painted(buckets(length, rows), { interval });
    for (let x = Math.ceil((2 * length) / 10) + 1; x < 89; x += 1) assert.deepEqual(ink(at, x), [], `column ${x} at ${length}`);
  }
});

test("single readings are joined up to three intervals, and not beyond", () => {
  const joined = painted(readings([[100, 25], [130, 25]]));
  assert.equal(ink(joined, 11).length, 1);
  const apart = painted(readings([[100, 25], [140, 25]]));
  assert.deepEqual(ink(apart, 12), []);
});

test("a reading without a value breaks the line", () => {
  const at = painted(readings([[100, 25], [150, NaN], [200, 25]]), { interval: 100 });
  for (const x of [12, 15, 18]) assert.deepEqual(ink(at, x), [], `column ${x}`);
});

test("a lonely reading is large enough to be seen", () => {
  const at = painted(readings([[500, 25]]));
  assert.ok(ink(at, 50).length >= 2);
});

test("a line climbs through every row between two readings", () => {
  const at = painted(readings([[500, 5], [510, 45]]));
  assert.ok(ink(at, 50).length >= 40);
});

test("states are steps, not ramps", () => {
  const at = painted(readings([[100, 10], [500, 40]]), { isStepped: true, interval: 1000 });
  assert.deepEqual(ink(at, 30), [40]);
  assert.ok(ink(at, 50).length >= 30, "the edge is upright");
});

test("dashes leave spaces", () => {
  const at = painted(readings([[0, 25], [999, 25]]), { dash: 5, interval: 1000 });
  assert.equal(ink(at, 2).length, 1);
  assert.deepEqual(ink(at, 7), []);
});

test("values outside of the window are cut, not wrapped", () => {
  const at = painted(buckets(10, [[500, -1000, 1000, 0]]));
  assert.equal(ink(at, 50).length, HEIGHT);
  assert.deepEqual(ink(at, 40), []);
});

test("a gap of buckets is one only where it certainly is", () => {
  const marks = buckets(60, [[0, 1, 1, 1], [120, 1, 1, 1], [300, 1, 1, 1]]);
  // Between the end of one and the start of the next there are 60 and 120.
  assert.deepEqual([1, 2].map((i) => isJoined(marks, i, 30)), [true, false]);
});

test("the interval is the setting, else the median of what is seen", () => {
  const marks = readings([[0, 1], [10, 1], [20, 1], [500, 1]]);
  assert.equal(intervalOf(marks, 2), 2000);
  assert.equal(intervalOf(marks, null), 10);
  assert.equal(intervalOf(readings([]), null), Infinity);
});

test("y fits what is in view, and the line that comes in", () => {
  const marks = readings([[0, 1], [10, 5], [20, 9]]);
  assert.deepEqual(extent(marks, 9, 11, 10), [1, 9]);
  assert.deepEqual(extent(marks, 9, 11, 1), [5, 5]);
  assert.equal(extent(readings([[5, NaN]]), 0, 10, 10), undefined);
});

test("the mark under the cursor is the bucket around it, or the nearest reading", () => {
  const marks = buckets(10, [[0, 1, 1, 1], [10, 2, 2, 2]]);
  assert.deepEqual([0, 9, 10, 25].map((time) => markAt(marks, time, 5)), [0, 0, 1, 1]);
  assert.equal(markAt(marks, 100, 5), -1);
});

test("the lane tells the worst of a pixel, and nothing where there is nothing", () => {
  const marks = readings([[0, 1], [10, 1], [20, NaN], [90, 1]]);
  marks.uncertain[1] = 1;
  const states = lane(marks, 0, 100, 10, 10);
  assert.deepEqual(states, ["good", "uncertain", "bad", ...new Array(6).fill("none"), "good"]);
  assert.deepEqual(runs(states).map(([x, end]) => [x, end]), [[0, 1], [1, 2], [2, 3], [3, 9], [9, 10]]);
});

test("a doubtful reading makes the time until the next doubtful", () => {
  const marks = readings([[0, 1], [30, 1], [60, 1]]);
  marks.uncertain[1] = 1;
  assert.deepEqual(lane(marks, 0, 70, 7, 10), ["good", "good", "good", "uncertain", "uncertain", "uncertain", "good"]);
});

test("a tile of readings knows which have no value and which are doubtful", () => {
  const tile = rawTile(Float64Array.of(1, 2, 3), Float64Array.of(5, NaN, 7), Float64Array.of(0, 2, 1));
  assert.deepEqual([[...tile.n], [...tile.bad], [...tile.uncertain]], [[1, 0, 1], [0, 1, 0], [0, 0, 1]]);
});

test("marks of neighbouring blocks are neither lost nor doubled", () => {
  const tile = (t: number[]) => ({ ...rawTile(Float64Array.from(t), Float64Array.from(t), new Float64Array(t.length)) });
  const marks = marksOf([
    { tile: tile([1, 5, 9]), step: 10, from: 0, to: 10 },
    { tile: tile([10, 15]), step: 10, from: 10, to: 20 },
  ]);
  assert.deepEqual(marks.start, [1, 5, 9, 10, 15]);
});

test("a value that was stored before holds into the view, unless a newer one is known", () => {
  const prior = { time: 100, value: 7, isUncertain: false };
  const after = withPriorReading(readings([[500, 10]]), prior);
  assert.deepEqual([after.start, after.mean, after.bad], [[100, 500], [7, 10], [0, 0]]);
  assert.deepEqual(withPriorReading(readings([[50, 10]]), prior).start, [50]);
  assert.deepEqual(withPriorReading(readings([]), { ...prior, value: NaN }).bad, [1]);
  assert.deepEqual(withPriorReading(readings([]), undefined).start, []);
});
