// Which parameters a statement has.

import assert from "node:assert/strict";
import { test } from "node:test";
import { literal, type NamedQuery, namesIn, questionOf } from "../src/pages/sql/statement.ts";
import { withStatement } from "../src/pages/sql/history.ts";

const cases: Record<string, string[]> = {
  "SELECT 1": [],
  "SELECT $b, $a, $b": ["b", "a"],
  "-- param: x bigint, $no\nSELECT $x -- $neither": ["x"],
  "SELECT '$no', 'it''s $no', $yes": ["yes"],
  "SELECT $1": [],
};

for (const [text, names] of Object.entries(cases)) {
  test(text, () => assert.deepEqual(namesIn(text), names));
}

const NAMED: NamedQuery = {
  name: "hourly",
  description: "",
  params: [{ name: "stream", type: "bigint", required: true, default: null }, { name: "step", type: "text", required: false, default: "1h" }],
  query: "SELECT $stream, $step",
};

test("an unchanged named query is asked by its name, and what is left empty has its default", () => {
  const { path, body, name } = questionOf(NAMED.query, NAMED, { stream: "7", step: "", other: "1" });
  assert.deepEqual([path, body, name], ["/sql/queries/hourly", { params: { stream: "7" } }, "hourly"]);
});

test("a changed one is asked as it stands, with nothing typed as null", () => {
  const { path, body } = questionOf(`${NAMED.query} `, NAMED, { stream: "7" });
  assert.deepEqual([path, body], ["/sql", { query: "SELECT $stream, $step ", params: { stream: 7, step: null } }]);
});

test("literals are what they look like", () => {
  assert.deepEqual(["1e3", "-0.5", "true", "null", "now", "01"].map(literal), [1000, -0.5, true, null, "now", "01"]);
});

test("the history has each statement once, the newest first, and no more than fifty", () => {
  assert.deepEqual(withStatement(["a", "b"], " b "), ["b", "a"]);
  assert.deepEqual(withStatement(["a"], "  "), ["a"]);
  assert.equal(withStatement(Array.from({ length: 50 }, (_, i) => `${i}`), "new").length, 50);
});
