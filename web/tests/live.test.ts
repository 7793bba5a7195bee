// Messages of subscriptions that come at once are handed on together, and none is lost.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { gathered } from "../src/api/live.ts";

test("messages that come at once are handed on together, later ones anew", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const handed: number[][] = [];
  const next = gathered<number>((all) => handed.push(all));
  for (let i = 0; i < 1000; i += 1) next(i);
  mock.timers.tick(100);
  next(1000);
  mock.timers.tick(100);
  assert.deepEqual(handed.map(({ length }) => length), [1000, 1]);
  assert.deepEqual(handed.flat().slice(-2), [999, 1000]);
  mock.timers.reset();
});
