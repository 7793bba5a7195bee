// The GraphQL operations of the pages, as they are sent: what the texts in queries.ts are once their parts are put together.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const KINDS = /^(query|mutation|subscription) (\w+)/;

/** The operations that are constants, with the files that have them; in the order of the files, then of their texts. */
export async function documents(root = "src") {
  const files = readdirSync(root, { recursive: true }).map((name) => join(root, String(name)));
  const found = await Promise.all(files.filter((name) => name.endsWith("queries.ts")).sort().map(documentsOf));
  return found.flat();
}

async function documentsOf(file) {
  const { outputFiles } = await build({ entryPoints: [file], bundle: true, write: false, format: "esm", logLevel: "warning" });
  const module = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
  return Object.entries(module).flatMap(([constant, value]) => {
    // A function makes the text of an operation for some streams, here for two.
    const text = typeof value === "function" ? value([1, 2]) : value;
    const [, , name] = KINDS.exec(text) ?? [];
    return name === undefined ? [] : [{ file, constant, name, text, isConstant: typeof value === "string" }];
  });
}
