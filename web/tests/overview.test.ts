// Which board the overview shows, and what needs attention first.

import assert from "node:assert/strict";
import { test } from "node:test";
import { kindOf, streamsOf } from "../src/board/widgets.ts";
import { defaultOf, firstValues } from "../src/pages/overview/defaultBoard.ts";
import { worstFirst } from "../src/pages/overview/rank.ts";

test("of several default boards the one changed last is shown, and none without one", () => {
  const board = (uuid: string, isDefault: boolean, updatedAt: string) => ({ uuid, isDefault, updatedAt });
  const plain = board("plain", false, "2026-05-03T00:00:00Z");
  const before = board("before", true, "2026-05-01T12:00:00Z");
  const later = board("later", true, "2026-05-01T12:00:00.5Z");
  assert.equal(defaultOf([]), undefined);
  assert.equal(defaultOf([plain]), undefined);
  assert.equal(defaultOf([before, plain, later])?.uuid, "later");
  assert.equal(defaultOf([later, before])?.uuid, "later");
});

test("the first values stand in rows of four, none over another", () => {
  const streams = ["a", "b", "c", "d", "e"];
  const widgets = firstValues(streams.map((uuid) => ({ uuid, name: uuid === "e" ? "a" : uuid, device: `of ${uuid}` })));
  assert.deepEqual(widgets.map(({ x, y }) => [x, y]), [[0, 0], [6, 0], [12, 0], [18, 0], [0, 3]]);
  assert.deepEqual(streamsOf(widgets), streams);
  assert.ok(widgets.every((widget) => kindOf(widget) === "value" && widget.w === 6 && widget.h === 3));
  const titles = widgets.map(({ config }) => config.title);
  assert.deepEqual(titles, ["of a a", undefined, undefined, undefined, "of e a"], "a name of two streams says whose it is");
  assert.deepEqual(firstValues([]), []);
});

test("what is worse comes first, whatever it is, and what is equally bad keeps its order", () => {
  const entries = [
    { rank: "error", name: "a device is offline" },
    { rank: "warning", name: "a device is degraded" },
    { rank: "quiet", name: "streams are silent" },
    { rank: "critical", name: "an event" },
    { rank: "error", name: "another event" },
  ] as const;
  assert.deepEqual(
    worstFirst([...entries]).map(({ name }) => name),
    ["an event", "a device is offline", "another event", "a device is degraded", "streams are silent"],
  );
});
