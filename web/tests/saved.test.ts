// The person's saved questions in the preferences, which other tabs and programs may have changed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { questionsIn, renamed, withQuestion, without } from "../src/pages/sql/saved.ts";

const STORED = [{ name: "b", query: "SELECT 2" }, { name: "a", query: "SELECT 1" }];

test("what is stored is read by name, and what is no question is left out", () => {
  assert.deepEqual(questionsIn(STORED).map(({ name }) => name), ["a", "b"]);
  for (const stored of [undefined, null, "a", { a: 1 }, [null, 7, { name: "a" }, { name: 1, query: "" }]]) assert.deepEqual(questionsIn(stored), []);
});

test("a question is added, or replaces the one of its name", () => {
  assert.deepEqual(withQuestion(STORED, { name: "c", query: "SELECT 3" }).map(({ name }) => name), ["a", "b", "c"]);
  const replaced = withQuestion(STORED, { name: "a", query: "SELECT 4" });
  assert.deepEqual(replaced, [{ name: "a", query: "SELECT 4" }, { name: "b", query: "SELECT 2" }]);
});

test("a renamed question keeps its statement and replaces the one of its new name", () => {
  assert.deepEqual(renamed(STORED, "a", "z"), [{ name: "b", query: "SELECT 2" }, { name: "z", query: "SELECT 1" }]);
  assert.deepEqual(renamed(STORED, "a", "b"), [{ name: "b", query: "SELECT 1" }]);
  assert.deepEqual(renamed(STORED, "a", "a"), questionsIn(STORED));
});

test("what another tab has deleted does not come back by renaming it", () => {
  assert.deepEqual(renamed(without(STORED, "a"), "a", "z"), [{ name: "b", query: "SELECT 2" }]);
  assert.deepEqual(without(STORED, "none"), questionsIn(STORED));
});
