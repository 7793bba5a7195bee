// Colours of series: readable on both backgrounds.

import assert from "node:assert/strict";
import { test } from "node:test";
import { contrast, rgb, seriesStyle } from "../src/chart/palette.ts";

test("every colour stands out from its background", () => {
  for (let index = 0; index < 6; index += 1) {
    assert.ok(contrast(seriesStyle(index, false).colour, "#ffffff") >= 3, `${index} on white`);
    assert.ok(contrast(seriesStyle(index, true).colour, "#16191d") >= 3, `${index} on dark`);
  }
});

test("what comes again is dashed, then dotted", () => {
  const styles = [0, 6, 12].map((index) => seriesStyle(index, false));
  assert.equal(new Set(styles.map(({ colour }) => colour)).size, 1);
  assert.deepEqual(styles.map(({ dash }) => dash), [0, 6, 2]);
});

test("contrast is that of WCAG", () => {
  assert.equal(contrast("#ffffff", "#000000"), 21);
  assert.deepEqual(rgb("#0b62c4"), { r: 11, g: 98, b: 196 });
});
