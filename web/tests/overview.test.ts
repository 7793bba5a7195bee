// Which board the overview shows, and what needs attention first.

import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultOf } from "../src/pages/overview/defaultBoard.ts";
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
