// Runs the tests of this folder. Those in TypeScript are bundled first, because Node.js 18 and 20 do not read it.

import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const names = await readdir(here);
const typed = names.filter((name) => name.endsWith(".test.ts"));
const out = await mkdtemp(join(tmpdir(), "basalt-web-"));
try {
  await build({
    entryPoints: typed.map((name) => join(here, name)),
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node18",
    jsx: "automatic",
    jsxImportSource: "preact",
    logLevel: "warning",
  });
  const files = [
    ...names.filter((name) => name.endsWith(".test.mjs")).map((name) => join(here, name)),
    ...typed.map((name) => join(out, name.replace(/\.ts$/, ".mjs"))),
  ];
  // Paths in the tests are those of web/.
  const { status } = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit", cwd: join(here, "..") });
  process.exitCode = status ?? 1;
} finally {
  await rm(out, { recursive: true });
}
