// Addresses and ranges: what is written comes back, and nonsense is harmless.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isLive, parseRange, parseShift, parseTime, rangeText } from "../src/chart/range.ts";
import { MOST_STREAMS, parseState, parseStreams, stateText } from "../src/pages/trend/state.ts";
import { bandOf } from "../src/chart/bands.ts";
import type { Event } from "../src/api/types.ts";

const NOW = Date.UTC(2026, 4, 14, 12);

test("the address of a trend holds everything that is seen", () => {
  const text = "s=10,11:step,12:line&from=2026-05-01T00:00:00.000Z&to=now&cmp=-7d&y=-1.5..20&ev=0&table=1&v=1";
  const state = parseState(new URLSearchParams(text));
  assert.deepEqual(state.streams.map(({ id, drawn }) => [id, drawn]), [[10, "auto"], [11, "step"], [12, "line"]]);
  assert.deepEqual([state.bounds, state.hasEvents, state.isTable, state.compare], [[-1.5, 20], false, true, "-7d"]);
  assert.equal(stateText(state), text);
});

test("nonsense in an address is left out", () => {
  const state = parseState(new URLSearchParams("s=1,x,-4,1,2.5,7:red&y=5..1&cmp=yesterday"));
  assert.deepEqual(state.streams, [{ id: 1, drawn: "auto" }, { id: 7, drawn: "auto" }]);
  assert.equal(state.bounds, undefined);
  assert.equal(state.range.to, "now");
  assert.equal(state.compare, "");
  assert.equal(parseStreams(Array.from({ length: 100 }, (_, i) => i + 1).join()).length, MOST_STREAMS);
});

test("times as people write them", () => {
  const local = (...parts: [number, number, number, number?, number?]) => new Date(...(parts as [number, number])).getTime();
  const cases: [string, number | undefined][] = [
    ["now", NOW],
    [" now-3h ", NOW - 3 * 3_600_000],
    ["now - 1.5 d", NOW - 36 * 3_600_000],
    ["2026-05-01T00:00:00Z", Date.UTC(2026, 4, 1)],
    ["2026-05-01", local(2026, 4, 1)],
    ["2026-05-01 06:30", local(2026, 4, 1, 6, 30)],
    ["14.5. 06:00", local(2026, 4, 14, 6, 0)],
    ["14.5.2025 06:00", local(2025, 4, 14, 6, 0)],
    ["31.2.2026", undefined],
    ["now+1h", undefined],
    ["yesterday", undefined],
    ["", undefined],
  ];
  for (const [text, expected] of cases) assert.equal(parseTime(text, NOW), expected, text);
});

test("a range begins before it ends, and survives its address", () => {
  assert.equal(parseRange({ from: "now", to: "now-1h" }, NOW), undefined);
  const range = { from: NOW - 1234, to: NOW };
  assert.deepEqual(parseRange(rangeText(range), 0), range);
  assert.deepEqual([isLive({ from: "now-1h", to: "now" }), isLive(rangeText(range))], [true, false]);
});

test("an anomaly is a band from its begin to its end, an open one to now, any other event a point", () => {
  const event = (payload: Record<string, unknown>) => ({ ts: new Date(NOW - 9000).toISOString(), payload }) as Event;
  const bounds = (payload: Record<string, unknown>) => {
    const { from, to } = bandOf(event(payload), NOW);
    return [from - NOW, to - NOW];
  };
  const started_at = new Date(NOW - 8000).toISOString();
  assert.deepEqual(bounds({}), [-9000, -9000]);
  assert.deepEqual(bounds({ started_at, ended_at: null }), [-8000, 0]);
  assert.deepEqual(bounds({ started_at, ended_at: new Date(NOW - 1000).toISOString() }), [-8000, -1000]);
});

test("what is compared lies so far before, days by the calendar", () => {
  const cases: [string, number | undefined][] = [
    ["-90m", 5_400_000],
    ["-7d", 7 * 86_400_000],
    ["-1w", 7 * 86_400_000],
    ["7d", undefined],
    ["-0d", undefined],
    ["-1y", undefined],
    ["", undefined],
  ];
  for (const [text, expected] of cases) assert.equal(parseShift(text, NOW, true), expected, text);
  const noon = new Date(2026, 3, 1, 12).getTime();
  const before = new Date(noon - (parseShift("-7d", noon, false) as number));
  assert.deepEqual([before.getMonth(), before.getDate(), before.getHours()], [2, 25, 12]);
});
