// Path at which the server is reached, by the address of a script.

import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE, ROOT, rootOf } from "../src/api/root.ts";

test("the root is two levels above a script", () => {
  for (const [script, expected] of [
    ["http://plant.test:8000/pages/1f2e/app.js", ""],
    ["https://plant.test/basalt/pages/1f2e/chunk-AB.js", "/basalt"],
    ["https://plant.test/a/b.c/pages/1f2e/graphiql.js?x=/y/", "/a/b.c"],
    ["file:///tmp/x/y.mjs", ""],
    ["data:text/javascript,1", ""],
  ] as const) {
    assert.equal(rootOf(script), expected, script);
  }
  assert.deepEqual([ROOT, BASE], ["", "/ui"]);
});
