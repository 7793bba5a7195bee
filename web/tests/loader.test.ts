// When the server is asked: at once for the first view, after a rest for the next.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Loader } from "../src/chart/loader.ts";
import { TileCache } from "../src/chart/tiles.ts";

const HOUR = 3_600_000;
const pause = (time: number) => new Promise((done) => setTimeout(done, time));

test("the first view is asked for at once, another one when the hand rests", async () => {
  Object.assign(globalThis, { sessionStorage: { getItem: () => "key" } });
  const asked: number[] = [];
  // An answer that does not come before it is given up.
  globalThis.fetch = (_, request) => {
    asked.push(Date.now());
    return new Promise((_, failed) => request?.signal?.addEventListener("abort", () => failed(request.signal?.reason)));
  };
  const loader = new Loader(new TileCache(), () => {}, assert.ifError, () => {});
  const wish = (hour: number) => ({ streams: [1], range: { from: hour * HOUR, to: (hour + 1) * HOUR }, step: 5000 });
  loader.want({ ...wish(0), streams: [] });
  await pause(5);
  loader.want(wish(0));
  await pause(40);
  assert.equal(asked.length, 1);
  const moved = Date.now();
  loader.want(wish(10));
  await pause(30);
  loader.want(wish(20));
  await pause(60);
  assert.equal(asked.length, 1);
  await pause(100);
  assert.equal(asked.length, 2);
  assert.ok((asked[1] ?? 0) - moved >= 100, "80 ms after the last movement");
  loader.stop();
});
