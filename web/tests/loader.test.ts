// When the server is asked: at once for the first view, after a rest for the next.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Loader } from "../src/chart/loader.ts";
import { TileCache } from "../src/chart/tiles.ts";

const HOUR = 3_600_000;

/** Lets so many milliseconds pass, and what waits for them happen. */
async function pass(time: number): Promise<void> {
  mock.timers.tick(time);
  await new Promise((done) => setImmediate(done));
}

test("the first view is asked for at once, another one when the hand rests", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  Object.assign(globalThis, { sessionStorage: { getItem: () => "key" } });
  let asked = 0;
  // An answer that does not come before it is given up.
  globalThis.fetch = (_, request) => {
    asked += 1;
    return new Promise((_, failed) => request?.signal?.addEventListener("abort", () => failed(request.signal?.reason)));
  };
  const loader = new Loader(new TileCache(), () => {}, assert.ifError, () => {});
  const wish = (hour: number) => ({ streams: [1], range: { from: hour * HOUR, to: (hour + 1) * HOUR }, step: 5000 });
  loader.want({ ...wish(0), streams: [] });
  await pass(1);
  loader.want(wish(0));
  await pass(1);
  assert.equal(asked, 1);
  loader.want(wish(10));
  await pass(79);
  loader.want(wish(20));
  await pass(79);
  assert.equal(asked, 1);
  await pass(1);
  assert.equal(asked, 2);
  loader.stop();
  mock.timers.reset();
});
