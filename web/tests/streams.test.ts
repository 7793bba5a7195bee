// Days of a stream, its newest reading, and numbers as people type them.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reading } from "../src/api/types.ts";
import { beginOf, everyDay, limitOf, spanOf } from "../src/pages/streams/days.ts";
import { newestOf } from "../src/pages/streams/newest.ts";
import { parseNumber } from "../src/ui/numbers.ts";

const day = (n: number, hour = 0) => Date.UTC(2026, 4, n, hour);
const row = (n: number, share: number) => ({ day: new Date(day(n)).toISOString(), share });

test("a span is of whole days in UTC and ends today, but a single day is the last 24 hours", () => {
  const now = day(30, 15);
  assert.equal(beginOf(7, now), day(24));
  assert.equal(beginOf(1, now), day(29, 15));
  assert.equal(everyDay([], now, beginOf(7, now), now).length, 7);
});

test("days without a row have no values, and lack them only after the stream was there", () => {
  const days = everyDay([row(3, 0.5), row(5, 1)], day(4), day(1), day(6, 12));
  assert.deepEqual(days.map(({ share }) => share), [0, 0, 0.5, 0, 1, 0]);
  assert.deepEqual(days.map(({ isMissing }) => isMissing), [false, false, false, true, false, true]);
  const young = everyDay([], day(5), day(1), day(6));
  assert.deepEqual(young.map(({ isMissing }) => isMissing), [false, false, false, false, true, true]);
});

test("nonsense in an address is the usual span and limit", () => {
  assert.equal(spanOf("8"), 30);
  assert.equal(spanOf("90"), 90);
  assert.equal(limitOf("1 hour"), "1 hour");
  assert.equal(limitOf(null), "5 minutes");
});

test("a late reading is not the newest, and one that replaces another of its time is", () => {
  const reading = (ts: string, value: number): Reading => ({ ts: `2026-05-01T${ts}Z`, value, text: null, quality: "good" });
  const known = reading("06:00:00", 1);
  assert.equal(newestOf(null, [known]), known);
  assert.equal(newestOf(known, [reading("05:59:59.999", 2)]), known);
  // The same moment is written in more than one way.
  assert.equal(newestOf(known, [reading("06:00:00.000", 2)])?.value, 2);
  assert.equal(newestOf(known, [reading("07:00:00", 2), reading("06:30:00", 3)])?.value, 2);
});

for (const [text, number] of [
  ["1.5", 1.5],
  ["1,5", 1.5],
  [" -2 ", -2],
  ["1e3", 1000],
  [".5", 0.5],
  ["", undefined],
  ["1,000.5", NaN],
  ["five", NaN],
  ["-", NaN],
] as const) {
  test(`«${text}» is ${number}`, () => assert.equal(parseNumber(text), number));
}
