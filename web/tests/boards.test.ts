// Boards: places in the grid, kinds of widgets, and what is drawn of data.

import assert from "node:assert/strict";
import { test } from "node:test";
import { byKey, freePlace, overlap, type Place, put, within } from "../src/board/layout.ts";
import { apart, bandPath, bounds, linePath, parts, stepOf, stretches } from "../src/board/paint.ts";
import { KINDS, type Kind, kindOf, newWidget, streamsOf } from "../src/board/widgets.ts";

const at = (id: string, x: number, y: number, w = 6, h = 2): Place => ({ id, x, y, w, h });

test("a place is within the grid", () => {
  assert.deepEqual(within(at("a", 30, -2, 40, 0)), at("a", 0, 0, 24, 1));
  assert.deepEqual(within(at("a", 22.4, 1.6)), at("a", 18, 2));
});

test("what is in the way goes down, and what is not stays", () => {
  const places = [at("a", 0, 0), at("b", 0, 2), at("c", 12, 0), at("d", 0, 4)];
  const moved = put(places, at("c", 3, 1));
  assert.deepEqual(moved.map(({ id }) => id), ["a", "b", "c", "d"]);
  assert.deepEqual(moved.map(({ x, y }) => [x, y]), [[0, 3], [0, 5], [3, 1], [0, 7]]);
  for (const one of moved) for (const other of moved) assert.ok(!overlap(one, other), `${one.id} ${other.id}`);
  assert.deepEqual(put(places, at("c", 18, 0)).slice(0, 2), places.slice(0, 2));
});

test("the first free place is found from the top", () => {
  assert.deepEqual(freePlace([at("a", 0, 0, 20), at("b", 0, 2, 24)], 6, 2), { x: 0, y: 4 });
  assert.deepEqual(freePlace([at("a", 0, 0, 18)], 6, 2), { x: 18, y: 0 });
});

test("keys move a widget and change its size, within the grid", () => {
  const place = at("a", 18, 0);
  assert.deepEqual(byKey(place, "ArrowRight", false), place);
  assert.deepEqual(byKey(place, "ArrowLeft", false), at("a", 17, 0));
  assert.deepEqual(byKey(place, "ArrowRight", true), place, "it is as wide as it can be there");
  assert.deepEqual(byKey(place, "ArrowDown", true), at("a", 18, 0, 6, 3));
  assert.equal(byKey(place, "a", false), undefined);
});

test("each kind of widget is known again by what is stored of it", () => {
  for (const kind of Object.keys(KINDS) as Kind[]) assert.equal(kindOf(newWidget(kind, [], { x: 0, y: 0 })), kind);
  assert.equal(kindOf({ ...at("a", 0, 0), type: "MAP", config: {} }), undefined);
  assert.equal(kindOf({ ...at("a", 0, 0), type: "LINE", config: { view: "of others" } }), "line");
});

test("new widgets have ids of their own, and streams are counted once", () => {
  const first = newWidget("value", [], { x: 0, y: 0 });
  const second = newWidget("value", [{ ...first, id: "w7" }], { x: 0, y: 0 });
  assert.deepEqual([first.id, second.id], ["w1", "w8"]);
  const widgets = [{ ...first, config: { sensorIds: ["u", "v"] } }, { ...second, config: { sensorIds: ["v"] } }];
  assert.deepEqual(streamsOf(widgets), ["u", "v"]);
});

const bucket = (time: number, mean: number) => ({ at: time, least: mean - 1, most: mean + 1, mean });
const BOX = { step: 10, longest: 30, from: 0, to: 100, low: 0, high: 10, width: 100, height: 10 };

test("a step gives no more buckets than are wanted", () => {
  assert.equal(stepOf(0, 3_600_000, 200), 30_000);
  assert.equal(stepOf(0, 400 * 86_400_000, 100), 604_800_000);
});

test("lines and bands have a hole where there is no data", () => {
  const buckets = [bucket(0, 1), bucket(10, 2), bucket(50, 3)];
  assert.deepEqual(parts(buckets, 30).map((part) => part.length), [2, 1]);
  assert.equal(linePath(buckets, BOX), "M5 9L15 8M55 7h0.1");
  assert.equal(bandPath(buckets, BOX), "M5 8L15 7L15 9L5 10Z");
});

test("rare readings and those that are stored on change belong together for longer", () => {
  assert.equal(apart(10, null, null), 30);
  assert.equal(apart(1000, 60, null), 180_000);
  assert.equal(apart(1000, 1, 0.5), 900_000);
});

test("bounds have air, also about a single value", () => {
  assert.deepEqual(bounds([{ at: 0, least: 5, most: 5, mean: 5 }]), [4.5, 5.5]);
  assert.deepEqual(bounds([{ at: 0, least: 0, most: 0, mean: 0 }]), [-1, 1]);
});

test("a state lasts until the next, and the one before the range says how it began", () => {
  const changes = [{ at: -5, state: "off" }, { at: 20, state: "on" }, { at: 30, state: "on" }, { at: 60, state: "off" }];
  assert.deepEqual(stretches(changes, 0, 100), [
    { from: 0, to: 20, state: "off" },
    { from: 20, to: 60, state: "on" },
    { from: 60, to: 100, state: "off" },
  ]);
  assert.deepEqual(stretches([], 0, 100), []);
});
