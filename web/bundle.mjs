// Bundles both pages into the directory named on the command line: console.js, console.css, graphiql.js, graphiql.css.

import { readFile } from "node:fs/promises";
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

await build({
  entryPoints: ["src/console.js", "src/graphiql.jsx"],
  outdir: process.argv[2],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  // The licenses of what is bundled travel with it.
  legalComments: "eof",
  define: { "process.env.NODE_ENV": '"production"', "process.env.USE_IMPORT": '"true"' },
  plugins: [withoutFonts],
  logLevel: "warning",
});
