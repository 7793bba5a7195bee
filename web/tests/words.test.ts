// Both languages say everything, with the same blanks. `tsc` knows only that each key is there.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { de } from "../src/words/de.ts";
import { en, type WordKey } from "../src/words/en.ts";

const keys = Object.keys(en) as WordKey[];
const blanks = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([blank]) => blank).sort();

test("each text is said in both languages, with the same blanks", () => {
  for (const key of keys) {
    assert.ok(de[key].trim() !== "" && en[key].trim() !== "", key);
    assert.deepEqual(blanks(de[key]), blanks(en[key]), key);
  }
});

test("no text is left that nobody shows", () => {
  const files = readdirSync("src", { recursive: true }).map(String).filter((name) => /\.tsx?$/.test(name) && !name.startsWith("words"));
  const source = files.map((name) => readFileSync(`src/${name}`, "utf8")).join("\n");
  const unused = keys.filter((key) => !source.includes(`"${key}"`));
  assert.deepEqual(unused, []);
});
