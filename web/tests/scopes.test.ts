// Scopes of a key as a matrix, and what is typed in the forms of the administration.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDays, parseIds, scopesOf } from "../src/pages/admin/scopes.ts";

test("a choice becomes scopes in the order of the matrix, and nothing chosen none", () => {
  assert.deepEqual(scopesOf({ value: "write", device: "read", group: "" }), ["device:read", "value:write"]);
  assert.deepEqual(scopesOf({}), []);
});

test("row numbers have commas between them, and an empty field narrows nothing", () => {
  assert.deepEqual(parseIds("1, 22,3"), ["1", "22", "3"]);
  assert.equal(parseIds("  "), null);
  for (const text of ["a", "1,,2", "0", "-1", "1.5"]) assert.equal(parseIds(text), undefined, text);
});

test("days are seconds, with comma or point", () => {
  assert.equal(parseDays("1,5"), 129_600);
  assert.equal(parseDays("30"), 2_592_000);
  assert.equal(parseDays(""), null);
  for (const text of ["0", "-3", "soon"]) assert.equal(parseDays(text), undefined, text);
});
