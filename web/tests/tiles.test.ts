// Cache of tiles: what it keeps, forgets, and offers in the place of what is not there yet.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bucketTiles } from "../src/chart/loader.ts";
import { tileAt, tileRange } from "../src/chart/levels.ts";
import { emptyTile, type Tile, tileBytes, TileCache } from "../src/chart/tiles.ts";

const STEP = 1000;

function tile(length: number): Tile {
  const column = new Float64Array(length);
  return { ...emptyTile(), t: column, lo: column, hi: column, mean: column, n: column, bad: column, uncertain: column };
}

test("the least recently used goes first, and never what was just put in", () => {
  const cache = new TileCache(2 * tileBytes(tile(100)));
  cache.set(1, STEP, 0, tile(100));
  cache.set(1, STEP, 1, tile(100));
  cache.get(1, STEP, 0);
  cache.set(1, STEP, 2, tile(100));
  assert.deepEqual([0, 1, 2].map((index) => cache.isMissing(1, STEP, index)), [false, true, false]);
  cache.set(1, STEP, 3, tile(10_000));
  assert.ok(!cache.isMissing(1, STEP, 3));
});

test("what is written makes the shown tile stale, which is still drawn, and drops the others", () => {
  const cache = new TileCache();
  const time = tileRange(50_000, STEP).from + 5;
  cache.set(1, STEP, 50_000, tile(3));
  cache.set(1, 60_000, tileAt(time, 60_000), tile(3));
  cache.set(2, STEP, 50_000, tile(3));
  cache.written(1, time, STEP);
  assert.ok(cache.isMissing(1, STEP, 50_000) && cache.get(1, STEP, 50_000));
  assert.equal(cache.get(1, 60_000, tileAt(time, 60_000)), undefined);
  assert.ok(!cache.isMissing(2, STEP, 50_000));
  cache.set(1, STEP, 50_000, tile(4));
  assert.ok(!cache.isMissing(1, STEP, 50_000));
});

test("what may have been written while nobody told of it makes every tile stale, and all are drawn", () => {
  const cache = new TileCache();
  cache.set(1, STEP, 0, tile(3));
  cache.set(2, 60_000, 7, tile(3));
  cache.missed();
  assert.ok(cache.isMissing(1, STEP, 0) && cache.get(1, STEP, 0));
  assert.ok(cache.isMissing(2, 60_000, 7) && cache.get(2, 60_000, 7));
});

test("what is not final is shown, and still missing", () => {
  const cache = new TileCache();
  cache.set(1, STEP, 0, tile(1), false);
  assert.ok(cache.get(1, STEP, 0) && cache.isMissing(1, STEP, 0));
  cache.set(1, STEP, 0, tile(1));
  assert.ok(!cache.isMissing(1, STEP, 0));
});

test("a view is drawn at once: by its level, else a coarser one, else finer ones", () => {
  const cache = new TileCache();
  const range = tileRange(1000, 60_000);
  assert.deepEqual(cache.blocks(1, 60_000, range), []);
  cache.set(1, 30_000, 2000, tile(1));
  assert.deepEqual(cache.blocks(1, 60_000, range).map(({ step }) => step), [30_000]);
  cache.set(1, 3_600_000, tileAt(range.from, 3_600_000), tile(1));
  assert.deepEqual(cache.blocks(1, 60_000, range).map(({ step, from, to }) => [step, from, to]), [[3_600_000, range.from, range.to]]);
  cache.set(1, 60_000, 1000, tile(1));
  assert.deepEqual(cache.blocks(1, 60_000, range).map(({ step }) => step), [60_000]);
});

test("rows of an answer become the tiles that they lie in", () => {
  const { to } = tileRange(3, STEP);
  const t = Float64Array.of(to - STEP, to, to + STEP);
  const values = Float64Array.of(1, 2, 3);
  const tiles = bucketTiles({ t, lo: values, hi: values, mean: values, n: values, bad: values }, STEP);
  assert.deepEqual([...tiles].map(([index, { lo }]) => [index, [...lo]]), [[3, [1]], [4, [2, 3]]]);
});
