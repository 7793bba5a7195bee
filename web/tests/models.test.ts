// View of a model, and the arithmetic of the plain chart.

import assert from "node:assert/strict";
import { test } from "node:test";
import { areaPath, boundsOf, linePath, timeOf, timeTicks, valueTicks, xOf } from "../src/chart/plain.ts";
import { textParts } from "../src/pages/models/upload.ts";
import { columnOf, jobsOf, movedRange, rangeOf, resultText } from "../src/pages/models/view.ts";

const scale = { range: { from: 0, to: 1000 }, lo: 0, hi: 10, width: 100, height: 50 };

test("a line is broken where its points are far apart, and a single point is still seen", () => {
  const points = [{ time: 0, value: 0 }, { time: 100, value: 10 }, { time: 500, value: 5 }];
  assert.equal(linePath(points, scale, 100), "M0.0 50.0L10.0 0.0M50.0 25.0h0.1");
});

test("an area goes along the largest values and back along the least", () => {
  assert.equal(areaPath([{ time: 0, lo: 0, hi: 5 }, { time: 100, lo: 5, hi: 10 }], scale, 100), "M0.0 25.0L10.0 0.0L10.0 25.0L0.0 50.0Z");
});

test("places and times are each other's inverse", () => {
  for (const time of [0, 250, 1000]) assert.equal(timeOf(xOf(time, scale), scale), time);
});

test("bounds have some air, also around a single value and without any", () => {
  assert.deepEqual(boundsOf([]), [0, 1]);
  assert.deepEqual(boundsOf([NaN, 2, 2]), [1.5, 2.5]);
  const [lo, hi] = boundsOf([0, 100]);
  assert.ok(lo < 0 && hi > 100);
});

test("ticks are round numbers and round times of the zone", () => {
  assert.deepEqual(valueTicks(0, 10, 5), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(valueTicks(0.01, 0.05, 4), [0.01, 0.02, 0.03, 0.04, 0.05]);
  assert.deepEqual(valueTicks(3, 3, 4), [3]);
  const day = { from: Date.UTC(2026, 4, 1), to: Date.UTC(2026, 4, 2) };
  const { ticks, step } = timeTicks(day, 600, 1800);
  assert.equal(step, 21_600);
  for (const tick of ticks) assert.equal((tick + 1800) % step, 0);
});

test("a range of an address that is none is the usual one", () => {
  const now = Date.UTC(2026, 4, 1);
  assert.deepEqual(rangeOf(new URLSearchParams("from=now-8h&to=now"), now).range, { from: now - 8 * 3_600_000, to: now });
  assert.deepEqual(rangeOf(new URLSearchParams("from=nonsense"), now).range, { from: now - 3_600_000, to: now });
});

test("a range is not moved beyond now", () => {
  assert.deepEqual(movedRange({ from: 0, to: 100 }, 0.8, 1000), { from: 80, to: 180 });
  assert.deepEqual(movedRange({ from: 0, to: 100 }, 0.8, 130), { from: 30, to: 130 });
  assert.deepEqual(movedRange({ from: 0, to: 100 }, -0.8, 100), { from: -80, to: 20 });
});

test("of a window each source has what was and what was expected", () => {
  const window = { timestamps: ["1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z"], input: [[1, 10], [2, 20]], reconstruction: [[3, 30], [4, 40]], score: 1 };
  assert.deepEqual(columnOf(window, 1), {
    actual: [{ time: 0, value: 10 }, { time: 1000, value: 20 }],
    expected: [{ time: 0, value: 30 }, { time: 1000, value: 40 }],
  });
});

test("jobs of other models are not shown, and those that go on come first", () => {
  const job = (rowId: number, modelRowId: number | null, state: "done" | "running") => ({
    rowId,
    modelRowId,
    state,
    kind: "score",
    progress: 0,
    error: null,
    createdAt: "",
    endedAt: null,
    result: null,
  });
  const found = jobsOf([job(4, 1, "done"), job(3, 2, "running"), job(2, 1, "running"), job(1, null, "done")], 1);
  assert.deepEqual(found.map(({ rowId }) => rowId), [2, 4]);
});

test("what a job counted is said, not which model it was", () => {
  assert.equal(resultText({ windows: 5, events: 1, model: 9, version: 2, note: "x" }, String), "windows: 5, events: 1");
  assert.equal(resultText(null, String), "");
});

test("an upload leaves to the server what is empty, and takes a decimal comma", () => {
  const blank = {
    name: " Oven ",
    device: "",
    kind: "cnn_ae",
    sources: [3, 1],
    interval: "0,5",
    score: "mse",
    threshold: "",
    clearRatio: "",
    minWindows: "2",
    output: "",
  };
  assert.deepEqual(
    textParts(blank),
    [["name", "Oven"], ["model_type", "cnn_ae"], ["source", "3,1"], ["interval", "0.5"], ["score", "mse"], ["min_windows", "2"]],
  );
  assert.deepEqual(textParts({ ...blank, device: "7" })[0], ["device_id", "7"]);
});
