// Which parameters a statement has.

import assert from "node:assert/strict";
import { test } from "node:test";
import { namesIn } from "../src/params.js";

const cases = {
  "SELECT 1": [],
  "SELECT $b, $a, $b": ["b", "a"],
  "-- param: x bigint, $no\nSELECT $x -- $neither": ["x"],
  "SELECT '$no', 'it''s $no', $yes": ["yes"],
  "SELECT $1": [],
};

for (const [text, names] of Object.entries(cases)) {
  test(text, () => assert.deepEqual(namesIn(text), names));
}
