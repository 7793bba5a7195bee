// Bundles the pages into the directory named on the command line, each file compressed: app (the web application below
// /ui) and graphiql, with .js and .css, chunk-*.js, which app loads when it needs them, and socket.io.js.

import { realpathSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** GraphiQL's style brings 300 kB of fonts; the pages use those of the system. */
const withoutFonts = {
  name: "without-fonts",
  setup: ({ onLoad }) =>
    onLoad({ filter: /[\\/]graphiql[\\/]dist[\\/]style\.css$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replace(/@font-face\s*\{[^}]*\}/g, ""),
      loader: "css",
    })),
};

const shared = {
  bundle: true,
  minify: true,
  write: false,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  // The licenses of what is bundled travel with it.
  legalComments: "eof",
  define: { "process.env.NODE_ENV": '"production"', "process.env.USE_IMPORT": '"true"' },
  logLevel: "warning",
};

/** Bundles the sources: the files that are written, by name, before they are compressed. */
export async function bundle(outdir) {
  const builds = [
    build({
      ...shared,
      outdir,
      entryPoints: ["src/graphiql.jsx"],
      // GraphiQL is React's: tsconfig.json, which esbuild would find by itself, says that JSX is Preact's.
      jsxImportSource: "react",
      tsconfigRaw: "{}",
      plugins: [withoutFonts],
    }),
    build({
      ...shared,
      outdir,
      entryPoints: ["src/app.tsx"],
      jsxImportSource: "preact",
      splitting: true,
      chunkNames: "chunk-[hash]",
      tsconfig: "tsconfig.json",
    }),
  ];
  const files = (await Promise.all(builds)).flatMap(({ outputFiles }) => outputFiles);
  const bundled = new Map(files.map(({ path, contents }) => [basename(path), contents]));
  // The client of socket.io 2 as its makers bundle it: pages for Instathings' gateway load it from the server.
  return bundled.set("socket.io.js", await readFile("node_modules/socket.io-client/dist/socket.io.js"));
}

// dev.mjs only imports this.
if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await mkdir(process.argv[2], { recursive: true });
  for (const [name, content] of await bundle(process.argv[2])) {
    await writeFile(join(process.argv[2], `${name}.gz`), gzipSync(content, { level: 9 }));
  }
}
