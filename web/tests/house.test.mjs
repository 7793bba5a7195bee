// The rules of this folder: imports go downwards, files stay short, questions fit the server's schema, bundles stay small.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { buildSchema, parse, validate } from "graphql";

/** From the top down: a file may import from its own folder and from folders further down. */
const FOLDERS = ["pages", "board", "shell", "chart", "ui", "words", "api"];
const MOST_LINES = 400;

const files = ["src", "tests"].flatMap((root) => readdirSync(root, { recursive: true }).map((name) => join(root, String(name))));
const sources = files.filter((name) => /\.(tsx?|mjs|jsx?|css)$/.test(name)).map((name) => ({ name, text: readFileSync(name, "utf8") }));
const typed = sources.filter(({ name }) => name.startsWith("src/") && /\.tsx?$/.test(name));

/** What is wrong with an import, or undefined. */
function broken(file, target) {
  const [, from, page] = file.split("/");
  const path = normalize(join(dirname(file), target));
  const [, to, otherPage] = path.split("/");
  // The entry imports everything and is imported by nobody.
  if (from === "app.tsx") return undefined;
  if (!FOLDERS.includes(to)) return `${file} imports ${path}, which is in no folder`;
  if (from === to) return from === "pages" && page !== otherPage ? `${file} imports another page: ${path}` : undefined;
  return FOLDERS.indexOf(to) < FOLDERS.indexOf(from) ? `${file} imports upwards: ${path}` : undefined;
}

function imports(text) {
  return [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map((match) => match[1]);
}

test("imports go in one direction", () => {
  const found = typed.flatMap(({ name, text }) => imports(text).map((target) => broken(name, target))).filter(Boolean);
  assert.deepEqual(found, []);
  assert.ok(typed.length > 40, "the files are found");
});

test("the rule of imports can be broken", () => {
  for (const [file, target] of [
    ["src/api/x.ts", "../ui/parts.tsx"],
    ["src/pages/live/Page.tsx", "../trend/state.ts"],
    ["src/chart/x.ts", "../shell/router.ts"],
    ["src/shell/x.ts", "../app.tsx"],
  ]) {
    assert.ok(broken(file, target), `${file} ${target}`);
  }
});

test("no file is long, and each begins by saying what it is", () => {
  for (const { name, text } of sources) {
    assert.ok(text.split("\n").length <= MOST_LINES, `${name} is too long`);
    assert.match(text, /^(\/\/ |\/\* |@import )/, `${name} does not say what it is`);
  }
});

test("texts of users never become HTML", () => {
  for (const { name, text } of typed) assert.doesNotMatch(text, /dangerouslySetInnerHTML|innerHTML|insertAdjacentHTML/, name);
});

test("every operation is one that the server knows", async () => {
  const schema = buildSchema(readFileSync("../schema/schema.graphql", "utf8"));
  const names = typed.map(({ name }) => name).filter((name) => /queries\.ts$|session\.ts$/.test(name));
  let count = 0;
  for (const name of names) {
    for (const document of await documentsOf(name)) {
      const errors = validate(schema, parse(document));
      assert.deepEqual(errors.map(String), [], name);
      count += 1;
    }
  }
  assert.ok(count >= 15, `${count} operations were found`);
});

/** The GraphQL operations that a file has, as it would send them. */
async function documentsOf(name) {
  const text = readFileSync(name, "utf8");
  if (name.endsWith("session.ts")) return [/const ME = "([^"]*)"/.exec(text)[1]];
  const { outputFiles } = await build({ entryPoints: [name], bundle: true, write: false, format: "esm" });
  const module = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
  const texts = Object.values(module).map((value) => (typeof value === "function" ? value([1, 2]) : value));
  return texts.filter((value) => /^(query|mutation|subscription) /.test(value));
}

/** What a page loads only when it is needed may be larger: the editor of SQL, and the charts with uPlot. kB. */
const LATER = { "sql/editor.ts": 160, "sql/draw.ts": 30 };

/** Compressed sizes of what the application loads at first and for each page, kB. */
async function sizes() {
  const { outputFiles, metafile } = await build({
    entryPoints: ["src/app.tsx"],
    outdir: "/out",
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
  });
  const compressed = new Map(outputFiles.map(({ path, contents }) => [path, gzipSync(contents, { level: 9 }).length / 1000]));
  const size = (names) => [...names].reduce((sum, name) => sum + [...compressed].find(([path]) => path.endsWith(`/${name.split("/").at(-1)}`))[1], 0);
  const closure = (name, known = new Set()) => {
    if (known.has(name)) return known;
    known.add(name);
    for (const { path, kind } of metafile.outputs[name].imports) if (kind === "import-statement") closure(path, known);
    return known;
  };
  const outputs = Object.keys(metafile.outputs);
  const entry = outputs.find((name) => metafile.outputs[name].entryPoint === "src/app.tsx");
  const first = closure(entry);
  const pages = outputs.filter((name) => metafile.outputs[name].entryPoint?.startsWith("src/pages/"));
  const beside = (name) => size([...closure(name)].filter((part) => !first.has(part)));
  return {
    first: size(first),
    pages: Object.fromEntries(pages.map((name) => [metafile.outputs[name].entryPoint.split("/").slice(2).join("/"), beside(name)])),
    style: size(outputs.filter((name) => name.endsWith(".css"))),
    all: size(outputs),
  };
}

test("the budgets of size are kept", async () => {
  const { first, pages, style, all } = await sizes();
  const overview = first + pages["overview/Page.tsx"];
  assert.ok(overview <= 45, `the first useful page loads ${overview} kB`);
  // uPlot and the reader of Arrow are two thirds of it.
  assert.ok(first + pages["trend/Page.tsx"] <= 90, `the trend loads ${first} + ${pages["trend/Page.tsx"]} kB`);
  const others = Object.entries(pages).filter(([name]) => name !== "trend/Page.tsx");
  for (const [name, size] of others) assert.ok(size <= (LATER[name] ?? 15), `${name} loads ${size} kB more`);
  assert.ok(style <= 12, `styles are ${style} kB`);
  assert.ok(all <= 350, `everything but GraphiQL is ${all} kB`);
});
