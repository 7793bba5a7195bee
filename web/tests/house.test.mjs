// The rules of this folder: imports go downwards, files stay short, questions fit the server's schema, bundles stay small.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { buildSchema, parse, validate } from "graphql";
import { documents } from "../documents.mjs";

/** From the top down: a file may import from its own folder and from folders further down. */
const FOLDERS = ["pages", "board", "shell", "chart", "ui", "words", "api"];
const MOST_LINES = 400;
const MOST_COLUMNS = 160;

const files = ["src", "tests"].flatMap((root) => readdirSync(root, { recursive: true }).map((name) => join(root, String(name))));
const sources = files.filter((name) => /\.(tsx?|mjs|jsx?|css)$/.test(name)).map((name) => ({ name, text: readFileSync(name, "utf8") }));
const typed = sources.filter(({ name }) => name.startsWith("src/") && /\.tsx?$/.test(name));

/** The fault of an import, or undefined. */
function broken(file, target) {
  const [, from, page] = file.split("/");
  const path = normalize(join(dirname(file), target));
  const [, to, otherPage] = path.split("/");
  // The entry imports everything and is imported by nobody.
  if (from === "app.tsx") return undefined;
  // What types.mjs writes is types alone, which the lowest folder hands on.
  if (path === "generated/operations.ts") return from === "api" ? undefined : `${file} imports what is generated: api/ hands it on`;
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
    ["src/ui/x.ts", "../../generated/operations.ts"],
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

const NOT_NAMES = [
  ...["Asked", "Told", "Held", "Found", "Counted", "Chosen", "Wanted", "Declared", "Logged", "Narrowed", "Loaded", "Shown", "Saved"],
  ...["Made", "Kept", "Drawn", "Ended", "Changed", "Started", "Goes", "Ways", "Hands", "useAsk", "askSoon", "hangUp"],
];

/** Types, functions and components that are called by what happened to them, or by a picture, instead of by what they are. */
function participles(text) {
  const declared = [...text.matchAll(/^\s*(?:export )?(?:default )?(?:async )?(?:interface|type|class|function|const) (\w+)\b/gm)].map(([, name]) => name);
  return declared.filter((name) => NOT_NAMES.includes(name));
}

test("names say what a thing is", () => {
  const found = typed.flatMap(({ name, text }) => participles(text).map((word) => `${name}: ${word}`));
  assert.deepEqual(found, []);
});

test("the rule of names can be broken", () => {
  assert.deepEqual(participles("export interface Told {\n}\nfunction useAsk() {}\nexport const hangUp = 1;\ntype Answer = 1;"), ["Told", "useAsk", "hangUp"]);
});

/** Relative clauses that open a doc comment, or the head of a file. */
function relatives(text) {
  const openings = text.matchAll(/(?:(?<![^])\/[/*]|^[ \t]*\/\*\*)[*\s]*((?:What|Who|Whom|Whose|Those|Where)\b.*)/gm);
  return [...openings].map(([, clause]) => clause);
}

test("a comment says first what a thing is or does", () => {
  const scripts = readdirSync(".").filter((name) => name.endsWith(".mjs")).map((name) => ({ name, text: readFileSync(name, "utf8") }));
  assert.ok(scripts.length >= 5 && sources.length > 250, "the files are found");
  const found = [...sources, ...scripts].flatMap(({ name, text }) => relatives(text).map((clause) => `${name}: ${clause}`));
  assert.deepEqual(found, [], "a noun or a verb goes first, such as `Name of …` or `Returns …`");
});

test("the rule of comments can be broken", () => {
  for (const [text, ...expected] of [
    ["// What it shows.\n\nexport {};", "What it shows."],
    ["/* Whose styles. */\n\np {}", "Whose styles. */"],
    ["// X.\n\ninterface A {\n  /** Where it is. */\n  a: string;\n}", "Where it is. */"],
    ["// X.\n\n/**\n * Those of a page,\n * What goes on.\n */", "Those of a page,"],
    ["/** Who asks. */\n/** Whom it tells. */", "Who asks. */", "Whom it tells. */"],
    ["// X.\n// What goes on.\n\n// Where code is explained.\n/** Whatever comes, or what went. */\nconst text = \"/** What a text says. */\";"],
  ]) {
    assert.deepEqual(relatives(text), expected, text);
  }
});

/** Lines that are too wide without the texts in them, which are not cut. */
function wide(text) {
  const lines = text.split("\n").map((line) => line.replace(/"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`/g, '""'));
  return lines.flatMap((line, index) => (line.length > MOST_COLUMNS ? [index + 1] : []));
}

test("no line is wide", () => {
  const found = sources.filter(({ name }) => !name.endsWith(".css")).flatMap(({ name, text }) => wide(text).map((line) => `${name}:${line}`));
  assert.deepEqual(found, []);
});

test("the rule of wide lines can be broken", () => {
  const long = "x".repeat(MOST_COLUMNS);
  assert.deepEqual(wide(`short\n${long}\n${long}x\nconst text = "${long}";`), [3]);
});

test("texts of users never become HTML", () => {
  for (const { name, text } of typed) assert.doesNotMatch(text, /dangerouslySetInnerHTML|innerHTML|insertAdjacentHTML/, name);
});

/** Files that import each other, by way of others too: each circle once, from the first of its names. */
function circles(files) {
  const known = new Map(files.map(({ name, text }) => [name, imports(text).map((target) => normalize(join(dirname(name), target)))]));
  const reached = (start) => {
    const seen = new Set();
    const open = [...(known.get(start) ?? [])];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (seen.has(name)) continue;
      seen.add(name);
      open.push(...(known.get(name) ?? []));
    }
    return seen;
  };
  const reach = new Map([...known.keys()].map((name) => [name, reached(name)]));
  const inCircle = [...known.keys()].filter((name) => reach.get(name).has(name)).sort();
  const circle = (name) => inCircle.filter((other) => reach.get(name).has(other) && reach.get(other).has(name));
  return inCircle.map(circle).filter((names, index) => names[0] === inCircle[index]);
}

test("no file imports itself by way of others", () => {
  assert.deepEqual(circles(typed), []);
});

test("the rule of circles can be broken", () => {
  const file = (name, ...targets) => ({ name: `src/ui/${name}`, text: targets.map((target) => `import type { X } from "./${target}";`).join("\n") });
  assert.deepEqual(circles([file("a.ts", "b.ts"), file("b.ts", "c.ts"), file("c.ts", "b.ts")]), [["src/ui/b.ts", "src/ui/c.ts"]]);
  assert.deepEqual(circles([file("a.ts", "b.ts", "c.ts"), file("b.ts", "c.ts"), file("c.ts")]), []);
});

test("every operation is one that the server knows, under its own name", async () => {
  const schema = buildSchema(readFileSync("../schema/schema.graphql", "utf8"));
  const found = await documents();
  for (const { file, text } of found) assert.deepEqual(validate(schema, parse(text)).map(String), [], file);
  const named = found.filter(({ isConstant }) => isConstant);
  for (const { file, constant, name } of named) {
    const source = sources.find((source) => source.name === file).text;
    const declared = new RegExp(`export const ${constant} = [^;]*? as Document<"(\\w+)">;`).exec(source)?.[1];
    assert.equal(declared, name, `${file}: ${constant}`);
  }
  assert.ok(named.length >= 70, `${named.length} operations were found`);
});

/** Largest sizes of what a page loads only when it is needed, which may be more: the editor of SQL, and the charts with uPlot. kB. */
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
