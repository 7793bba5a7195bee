// Which level a view has, and that its grid is that of the server's time_bucket.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DAY, ORIGIN, STEPS, stepFor, stepText, TILE, tileAt, tileRange, tilesOf, zoomed } from "../src/chart/levels.ts";

const range = (length: number, from = Date.UTC(2026, 4, 1)) => ({ from, to: from + length });

test("a bucket is never narrower than a pixel, and the next smaller step would be", () => {
  for (const length of [1, 60, 3600, 86_400, 7 * 86_400, 365 * 86_400].map((seconds) => seconds * 1000)) {
    for (const width of [320, 1000, 2000]) {
      const step = stepFor(range(length), width);
      assert.ok(step * width >= length, `${step} ${length} ${width}`);
      const smaller = STEPS[STEPS.indexOf(step) - 1];
      if (smaller) assert.ok(smaller * width < length, `${smaller} ${length} ${width}`);
    }
  }
});

test("what is longer than any step has the largest", () => {
  assert.equal(stepFor(range(100_000 * DAY), 100), 7 * DAY);
});

test("steps as the server reads them", () => {
  const cases: [number, string][] = [
    [1, "1 milliseconds"],
    [500, "500 milliseconds"],
    [30_000, "30 seconds"],
    [900_000, "15 minutes"],
    [12 * 3_600_000, "12 hours"],
    [DAY, "1 days"],
    [7 * DAY, "7 days"],
  ];
  for (const [step, text] of cases) assert.equal(stepText(step), text);
});

test("buckets begin where time_bucket's do: on Mondays, at full hours", () => {
  assert.equal(new Date(ORIGIN).getUTCDay(), 1);
  for (const step of STEPS) assert.equal((7 * DAY) % step, 0, `${step} divides a week`);
});

test("tiles cover time without gap or overlap, also before the origin", () => {
  for (const step of [1000, 60_000, 7 * DAY]) {
    for (const index of [-3, -1, 0, 5]) {
      const { from, to } = tileRange(index, step);
      assert.equal(to - from, step * TILE);
      assert.equal(tileRange(index + 1, step).from, to);
      assert.deepEqual([from, to - 1, to].map((time) => tileAt(time, step)), [index, index, index + 1]);
    }
  }
});

test("panning by anything moves no bucket", () => {
  const step = 60_000;
  const [first] = tilesOf(range(3_600_000), step);
  const [moved] = tilesOf(range(3_600_000, Date.UTC(2026, 4, 1) + 12_345), step);
  assert.equal(tileRange(first, step).from, tileRange(moved, step).from);
});

test("the end of a range does not belong to it", () => {
  const { from, to } = tileRange(7, 1000);
  assert.deepEqual(tilesOf({ from, to }, 1000), [7, 7]);
});

test("zooming leaves the time under the pointer where it is", () => {
  const before = range(1000 * 1000);
  const about = before.from + 250 * 1000;
  const after = zoomed(before, 0.5, about);
  assert.equal((about - after.from) / (after.to - after.from), 0.25);
  assert.equal(after.to - after.from, 500 * 1000);
});

test("nothing is zoomed out of all measure", () => {
  const most = zoomed(range(50 * 365 * DAY), 1000, Date.UTC(2026, 4, 2));
  assert.equal(most.to - most.from, 50 * 365 * DAY);
  const least = zoomed(range(20), 0.001, Date.UTC(2026, 4, 1));
  assert.equal(least.to - least.from, 10);
});
