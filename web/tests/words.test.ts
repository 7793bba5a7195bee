// Both languages say everything, with the same blanks. `tsc` knows only that each key is there.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { de } from "../src/words/de.ts";
import { en, type WordKey } from "../src/words/en.ts";
import type { PageWords } from "../src/words/index.ts";

const keys = Object.keys(en) as WordKey[];
const blanks = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([blank]) => blank).sort();

test("each text is said in both languages, with the same blanks", () => {
  for (const key of keys) {
    assert.ok(de[key].trim() !== "" && en[key].trim() !== "", key);
    assert.deepEqual(blanks(de[key]), blanks(en[key]), key);
  }
});

const isSource = (name: string) => /\.tsx?$/.test(name) && !name.startsWith("words") && !name.endsWith("words.ts");

function sourceOf(folder: string): string {
  const files = readdirSync(folder, { recursive: true }).map(String).filter(isSource);
  return files.map((name) => readFileSync(`${folder}/${name}`, "utf8")).join("\n");
}

test("no text is left that nobody shows", () => {
  const source = sourceOf("src");
  const unused = keys.filter((key) => !source.includes(`"${key}"`));
  assert.deepEqual(unused, []);
});

test("pages have words of their own, in both languages, with the same blanks, each shown and none twice", async () => {
  const kept = new Map<string, string>();
  Object.defineProperty(globalThis, "localStorage", { configurable: true, value: { getItem: (key: string) => kept.get(key) ?? null } });
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { language: "en", languages: ["en"] } });
  const pages = readdirSync("src/pages").filter((name) => existsSync(`src/pages/${name}/words.ts`));
  const loaded = pages.map(async (page) => [`pages/${page}`, ((await import(`../src/pages/${page}/words.ts`)) as { t: PageWords<string> }).t] as const);
  const board: readonly [string, PageWords<string>] = ["board", (await import("../src/board/words.ts")).t];
  for (const [page, t] of [...(await Promise.all(loaded)), board]) {
    const source = sourceOf(`src/${page}`);
    const { en: english, de: german } = t.own;
    assert.deepEqual(Object.keys(german).sort(), Object.keys(english).sort(), page);
    for (const [key, text] of Object.entries(english)) {
      assert.ok(text.trim() !== "" && (german[key] as string).trim() !== "", `${page}: ${key}`);
      assert.deepEqual(blanks(german[key] as string), blanks(text), `${page}: ${key}`);
      assert.ok(source.includes(`"${key}"`), `${page}: nobody shows ${key}`);
      assert.ok(!(key in en), `${page}: ${key} is said for all pages`);
    }
  }
});
