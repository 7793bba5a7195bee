// A reconstruction over a range as lines, one pair for each source.

import assert from "node:assert/strict";
import { test } from "node:test";
import { linesOf, reconstructionPath, sharesOf } from "../src/pages/models/reconstruction.ts";

const at = (second: number) => new Date(second * 1000).toISOString();

test("each source has its lines and its share", () => {
  const answer = {
    sources: [7, 9],
    windows: [
      { timestamp: at(0), actual: [4, 60], expected: [5, 61], share: [0.25, 0.75] },
      { timestamp: at(10), actual: [6, 62], expected: [7, 63], share: [0.75, 0.25] },
      { timestamp: at(20), actual: [6, 62], expected: [6, 62], share: null },
    ],
  };
  const lines = linesOf(answer);
  assert.deepEqual([...lines.keys()], [7, 9]);
  assert.deepEqual(lines.get(7)?.actual.slice(0, 2), [{ time: 0, value: 4 }, { time: 10_000, value: 6 }]);
  assert.deepEqual(lines.get(9)?.expected[1], { time: 10_000, value: 63 });
  assert.deepEqual([...sharesOf(answer)], [[7, 0.5], [9, 0.5]]);
  assert.deepEqual([...sharesOf({ ...answer, windows: answer.windows.slice(2) })], [[7, null], [9, null]], "what is not known is not zero");
});

test("windows that are missing break a line, their usual distance does not", () => {
  const windows = [0, 10, 20, 100].map((second) => ({ timestamp: at(second), actual: [1], expected: [1], share: null }));
  const { apart } = linesOf({ sources: [1], windows }).get(1) as { apart: number };
  assert.ok(apart > 10_000 && apart < 80_000, String(apart));
});

test("a long range is asked for in steps", () => {
  const path = reconstructionPath(3, { from: 0, to: 30 * 86_400_000 });
  const query = new URL(path, "http://host").searchParams;
  assert.equal(query.get("to"), "1970-01-31T00:00:00.000Z");
  assert.ok(Number(query.get("step")) >= 5000, path);
});
