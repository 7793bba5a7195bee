// The form of the files, which `npm run format` gives them.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { formattedFiles, unformatted } from "../format.mjs";

test("every file has its form", async () => {
  const files = formattedFiles();
  assert.ok(files.length > 250, "the files are found");
  assert.deepEqual((await unformatted(files)).map(({ name }) => name), [], "npm run format mends them");
});

test("the form of a file can be broken, and is mended", async () => {
  const folder = mkdtempSync(join(tmpdir(), "basalt-format-"));
  try {
    const [good, bad] = ["good.ts", "bad.tsx"].map((name) => join(folder, name));
    writeFileSync(good, 'export const name = () => {};\n');
    writeFileSync(bad, 'export function f( a:string ){\nif(a){\n      return <p class="x">{a}</p>\n}\n  return {  }\n}\n');
    const [mended, ...others] = await unformatted([good, bad]);
    assert.deepEqual([mended?.name, others], [bad, []]);
    assert.equal(mended.formatted, 'export function f(a: string) {\n  if (a) {\n    return <p class="x">{a}</p>\n  }\n  return {}\n}\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
