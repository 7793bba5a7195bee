// When the server is asked: at once for the first view, after a rest for the next, again for what was written meanwhile.

import assert from "node:assert/strict";
import { mock, test, type TestContext } from "node:test";
import { Loader, RAW } from "../src/chart/loader.ts";
import { TileCache } from "../src/chart/tiles.ts";
import { INDEX, pass, type Question, serveTiles, STEP, STREAM, VIEW } from "./questions.ts";

const HOUR = 3_600_000;

test("the first view is asked for at once, another one when the hand rests", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  Object.assign(globalThis, { sessionStorage: { getItem: () => "key" } });
  let requests = 0;
  // An answer that does not come before it is given up.
  globalThis.fetch = (_, request) => {
    requests += 1;
    return new Promise((_, failed) => request?.signal?.addEventListener("abort", () => failed(request.signal?.reason)));
  };
  const loader = new Loader(new TileCache(), () => {}, assert.ifError, () => {});
  const wish = (hour: number) => ({ streams: [1], range: { from: hour * HOUR, to: (hour + 1) * HOUR }, step: STEP });
  loader.want({ ...wish(0), streams: [] });
  await pass(1);
  loader.want(wish(0));
  await pass(1);
  assert.equal(requests, 1);
  loader.want(wish(10));
  await pass(79);
  loader.want(wish(20));
  await pass(79);
  assert.equal(requests, 1);
  await pass(1);
  assert.equal(requests, 2);
  loader.stop();
  mock.timers.reset();
});

/** The times of the first and of the last reading of the view. */
const [FIRST, LAST] = [VIEW.from, VIEW.to - 1];

/** A loader of a view with so many readings, and with none beside it. */
function loaderOf(context: TestContext, readings: number) {
  const questions = serveTiles(context, readings);
  const cache = new TileCache();
  const loader = new Loader(cache, () => {}, assert.ifError, () => {});
  context.after(() => loader.stop());
  /** Says what is in view, and returns the tiles that are asked for because of it; all of it is answered, `meanwhile` first. */
  const want = async (meanwhile: (question: Question) => void = () => {}) => {
    questions.length = 0;
    loader.want({ streams: [STREAM], range: VIEW, step: STEP });
    await pass(80);
    for (const question of questions) {
      meanwhile(question);
      await question.answer();
    }
    return questions.map(({ tiles }) => tiles);
  };
  return { cache, want };
}

test("what is written while a tile is asked for is asked for again, once", async (context) => {
  const { cache, want } = loaderOf(context, RAW + 1);
  const write = (time: number) => ({ tiles }: Question) => tiles[0] === 0 && cache.written(STREAM, time, STEP);
  assert.deepEqual(await want(write(FIRST)), [[0, 0], [-1, -1], [1, 1]]);
  assert.ok(cache.get(STREAM, STEP, INDEX), "what has come is drawn");
  // Also where something is there already.
  assert.deepEqual(await want(write(LAST)), [[0, 0]]);
  assert.deepEqual(await want(), [[0, 0]]);
  assert.deepEqual(await want(), []);
});

test("what is written into a tile that has come while others are still asked for is asked for again", async (context) => {
  const { cache, want } = loaderOf(context, RAW + 1);
  await want(({ tiles }) => tiles[0] === 1 && cache.written(STREAM, FIRST, STEP));
  assert.ok(cache.get(STREAM, STEP, INDEX), "until then it is drawn");
  assert.deepEqual(await want(), [[0, 0]]);
});

test("what is written while single readings are asked for is asked for again, once", async (context) => {
  const { cache, want } = loaderOf(context, 1);
  const write = ({ isOfReadings }: Question) => isOfReadings && cache.written(STREAM, FIRST, STEP);
  assert.deepEqual(await want(write), [[0, 0], [0, 0], [-1, -1], [1, 1]]);
  assert.ok(cache.get(STREAM, STEP, INDEX)?.isRaw);
  assert.deepEqual(await want(), [[0, 0], [0, 0]]);
  assert.deepEqual(await want(), []);
});

test("what is written between the buckets and the readings is in the readings", async (context) => {
  const { cache, want } = loaderOf(context, 1);
  const write = ({ isOfReadings, tiles }: Question) => !isOfReadings && tiles[0] === 0 && cache.written(STREAM, FIRST, STEP);
  assert.deepEqual(await want(write), [[0, 0], [0, 0], [-1, -1], [1, 1]]);
  assert.deepEqual(await want(), []);
});

test("what may have been missed while tiles are asked for is asked for again, once", async (context) => {
  const { cache, want } = loaderOf(context, RAW + 1);
  assert.deepEqual(await want(({ tiles }) => tiles[0] === 1 && cache.missed()), [[0, 0], [-1, -1], [1, 1]]);
  assert.deepEqual(await want(), [[0, 0], [-1, -1], [1, 1]]);
  assert.deepEqual(await want(), []);
});

test("what is written elsewhere while a tile is asked for does not matter to it", async (context) => {
  const { cache, want } = loaderOf(context, RAW + 1);
  const write = () => {
    cache.written(STREAM + 1, FIRST, STEP);
    cache.written(STREAM, VIEW.to + 3 * HOUR, STEP);
  };
  await want(write);
  assert.deepEqual(await want(), []);
});
