// Long lists of options are narrowed.

import assert from "node:assert/strict";
import { test } from "node:test";

Object.defineProperty(globalThis, "localStorage", { configurable: true, value: { getItem: () => null } });
Object.defineProperty(globalThis, "navigator", { configurable: true, value: { language: "en", languages: ["en"] } });
const { narrowed, SHOWN } = await import("../src/ui/narrow.tsx");

const all = Array.from({ length: 10_000 }, (_, i) => `motor.${i}`);
const own = (one: string) => one;

test("a short list is whole, whatever is typed", () => {
  assert.deepEqual(narrowed(["a", "b"], "x", own, () => false), ["a", "b"]);
});

test("a long list has the first that match, and what is chosen", () => {
  assert.equal(narrowed(all, "", own, () => false).length, SHOWN);
  assert.deepEqual(narrowed(all, " MOTOR.9999 ", own, () => false), ["motor.9999"]);
  const shown = narrowed(all, "", own, (one) => one === "motor.9000");
  assert.deepEqual([shown.length, shown.at(-1)], [SHOWN + 1, "motor.9000"]);
});
