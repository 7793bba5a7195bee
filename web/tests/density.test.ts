// The strip of events over time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { localTime, partsOf, stepOf } from "../src/pages/events/density.ts";

const DAY = 86_400_000;

test("a strip has at most 96 parts", () => {
  for (const length of [60_000, DAY, 7 * DAY, 400 * DAY]) assert.ok(length / 1000 / stepOf(0, length) <= 96, String(length));
  assert.equal(stepOf(0, 7 * DAY), 7200);
});

test("a part has the sum of its levels and the gravest of them", () => {
  const rows = [
    { t: "2026-05-01T02:00:00Z", level: "info", n: 1 },
    { t: "2026-05-01T00:00:00Z", level: "critical", n: 2 },
    { t: "2026-05-01T00:00:00Z", level: "warning", n: 3 },
  ];
  const parts = partsOf(rows, 3600);
  assert.deepEqual(parts.map(({ count, level }) => [count, level]), [[5, "critical"], [1, "info"]]);
  assert.equal(parts[0]?.to, Date.parse("2026-05-01T01:00:00Z"));
  assert.deepEqual(partsOf([], 60), []);
});

test("a time of a form says the same moment again", () => {
  const time = Date.parse("2026-05-01T06:00:01Z");
  assert.equal(new Date(localTime(time)).getTime(), time);
});
