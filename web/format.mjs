// The form of the sources: `npm run format` gives it to them, `npm test` wants it. TypeScript's own formatter does the work, which the
// compiler brings with it as a language server; how wide a line may be is a rule of tests/house.test.mjs.

import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const LANGUAGES = { ts: "typescript", tsx: "typescriptreact", mjs: "javascript" };
const OPTIONS = { tabSize: 2, insertSpaces: true, trimTrailingWhitespace: true, insertFinalNewline: true };

/** Settings of an editor, which the server asks for: `{}` is empty. */
const SETTINGS = { format: { insertSpaceAfterOpeningAndBeforeClosingEmptyBraces: false } };

/** A language server, asked over its standard input and output. */
class LanguageServer {
  #waiting = new Map();
  #received = Buffer.alloc(0);
  #last = 0;

  constructor() {
    this.process = spawn(process.execPath, [join("node_modules", "typescript", "bin", "tsc"), "--lsp", "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
    this.process.stdout.on("data", (bytes) => this.#receive(bytes));
    this.process.on("exit", () => {
      for (const { fail } of this.#waiting.values()) fail(new Error("the language server ended"));
    });
  }

  #receive(bytes) {
    this.#received = Buffer.concat([this.#received, bytes]);
    while (true) {
      const end = this.#received.indexOf("\r\n\r\n");
      const length = Number(/Content-Length: (\d+)/i.exec(this.#received.subarray(0, Math.max(end, 0)).toString())?.[1]);
      if (end < 0 || this.#received.length < end + 4 + length) return;
      const message = JSON.parse(this.#received.subarray(end + 4, end + 4 + length).toString());
      this.#received = this.#received.subarray(end + 4 + length);
      this.#take(message);
    }
  }

  #take({ id, method, params, result, error }) {
    if (method !== undefined) {
      const answer = method === "workspace/configuration" ? params.items.map(() => SETTINGS) : null;
      if (id !== undefined) this.#send({ id, result: answer });
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.fail(new Error(error.message));
    else waiting?.done(result);
  }

  #send(message) {
    const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
    this.process.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.process.stdin.write(body);
  }

  request(method, params) {
    this.#last += 1;
    const id = this.#last;
    this.#send({ id, method, params });
    return new Promise((done, fail) => this.#waiting.set(id, { done, fail }));
  }

  notify(method, params) {
    this.#send({ method, params });
  }
}

/** A text with the edits of a language server, whose places are of the text before all of them. */
function edited(text, edits) {
  const lines = text.split("\n");
  const starts = lines.reduce((known, line) => [...known, known.at(-1) + line.length + 1], [0]);
  const at = ({ line, character }) => starts[line] + character;
  const last = [...edits].sort((a, b) => at(b.range.start) - at(a.range.start));
  return last.reduce((known, { range, newText }) => known.slice(0, at(range.start)) + newText + known.slice(at(range.end)), text);
}

/** The sources that do not have their form, with the text that has it. */
export async function unformatted(files) {
  const server = new LanguageServer();
  try {
    await server.request(
      "initialize",
      { processId: process.pid, rootUri: pathToFileURL(resolve(".")).href, capabilities: { workspace: { configuration: true } } },
    );
    server.notify("initialized", {});
    const found = [];
    for (const name of files) {
      const text = readFileSync(name, "utf8");
      const uri = pathToFileURL(resolve(name)).href;
      server.notify("textDocument/didOpen", { textDocument: { uri, languageId: LANGUAGES[name.split(".").at(-1)], version: 1, text } });
      const edits = (await server.request("textDocument/formatting", { textDocument: { uri }, options: OPTIONS })) ?? [];
      server.notify("textDocument/didClose", { textDocument: { uri } });
      const formatted = edited(text, edits);
      if (formatted !== text) found.push({ name, formatted });
    }
    return found;
  } finally {
    server.process.kill();
  }
}

/** The sources that have a form. */
export function formattedFiles() {
  const names = ["src", "tests"].flatMap((root) => readdirSync(root, { recursive: true }).map((name) => join(root, String(name))));
  const scripts = readdirSync(".").filter((name) => name.endsWith(".mjs"));
  return [...names, ...scripts].filter((name) => name.split(".").at(-1) in LANGUAGES);
}

// The tests only import this.
if (process.argv[1] === resolve("format.mjs")) {
  for (const { name, formatted } of await unformatted(formattedFiles())) {
    writeFileSync(name, formatted);
    console.log(name);
  }
}
