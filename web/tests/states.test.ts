// The bar of the states that a device had.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type StateInterval, segmentsOf, spanOf, sumsOf, twoDecimals } from "../src/pages/devices/states.ts";

const HOUR = 3_600_000;
const held = (from: number, to: number, state: StateInterval["state"]): StateInterval => ({
  from: new Date(from).toISOString(),
  to: new Date(to).toISOString(),
  state,
  error: null,
});

test("an outage of a second is a part of its own in a day, and neighbours of one state are one", () => {
  const states = [held(0, 10 * HOUR, "online"), held(10 * HOUR, 10 * HOUR + 1000, "offline"), held(10 * HOUR + 1000, 24 * HOUR, "online")];
  const segments = segmentsOf(states, { from: 0, to: 24 * HOUR }, 24);
  assert.deepEqual(segments, [
    { from: 0, to: 10 * HOUR, state: "online" },
    { from: 10 * HOUR, to: 11 * HOUR, state: "offline" },
    { from: 11 * HOUR, to: 24 * HOUR, state: "online" },
  ]);
});

test("what is not known is left out, and nothing lies outside the range", () => {
  const segments = segmentsOf([held(-5 * HOUR, HOUR, "online"), held(2 * HOUR, 99 * HOUR, "online")], { from: 0, to: 4 * HOUR }, 4);
  assert.deepEqual(segments, [
    { from: 0, to: HOUR, state: "online" },
    { from: 2 * HOUR, to: 4 * HOUR, state: "online" },
  ]);
});

test("a time in which the server did not run is no state", () => {
  const states = [held(0, HOUR, "online"), held(HOUR, 3 * HOUR, "unknown"), held(3 * HOUR, 4 * HOUR, "offline")];
  assert.deepEqual(segmentsOf(states, { from: 0, to: 4 * HOUR }, 4).map(({ state }) => state), ["online", "offline"]);
  assert.deepEqual(sumsOf(states), [["offline", HOUR], ["online", HOUR], ["unknown", 2 * HOUR]]);
});

test("a device that changes its state all the time has no more parts than the bar", () => {
  const states = Array.from({ length: 100_000 }, (_, i) => held(i * 1000, (i + 1) * 1000, i % 2 ? "offline" : "online"));
  const segments = segmentsOf(states, { from: 0, to: 100_000_000 }, 480);
  assert.deepEqual(segments, [{ from: 0, to: 100_000_000, state: "offline" }]);
});

test("sums are by state, the worst first", () => {
  assert.deepEqual(sumsOf([held(0, 3, "online"), held(3, 4, "offline"), held(4, 6, "online")]), [["offline", 1], ["online", 5]]);
});

test("a share is never rounded up", () => {
  assert.deepEqual([1, 0.99999, 0.998, 0.29, 0].map(twoDecimals), [100, 99.99, 99.8, 29, 0]);
});

test("a length of time that is none is a day", () => {
  assert.deepEqual([null, "constructor", "7d"].map(spanOf), ["24h", "24h", "7d"]);
});
