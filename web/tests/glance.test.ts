// Values for a glance: few digits, and always as many.

import assert from "node:assert/strict";
import { test } from "node:test";

test("a value for a glance has four digits or its whole part, and a fraction keeps its length", async () => {
  Object.defineProperty(globalThis, "localStorage", { configurable: true, value: { getItem: () => null } });
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { language: "en-GB", languages: ["en-GB"] } });
  const { formatGlance } = await import("../src/ui/format.ts");
  const pairs: [number, string][] = [
    [1480, "1,480"],
    [653.47, "653.5"],
    [11.2043, "11.20"],
    [-57.868, "-57.87"],
    [1.81946, "1.819"],
    [98_765.3, "98,765"],
    [0, "0"],
    [0.000117716, "0.000117716"],
  ];
  for (const [value, text] of pairs) assert.equal(formatGlance(value), text);
});
