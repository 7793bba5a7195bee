// For working on the pages: serves /ui and /graphiql from a bundle that is made anew at every load, and passes
// everything else on to a server.
//
//     node dev.mjs http://127.0.0.1:8000 [PORT]

import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { bundle } from "./bundle.mjs";

const target = new URL(process.argv[2] ?? "http://127.0.0.1:8000");
const port = Number(process.argv[3] ?? 8100);
const rust = "../src/api/pages";
const source = await readFile(`${rust}/mod.rs`, "utf8");

let files = new Map();

/** A policy as the binary says it. */
function policy(name) {
  return new RegExp(`const ${name}: &str = "([^"]*)"`).exec(source)[1].replace(/\\\n\s*/g, "");
}

/** File and policy of the page at a path; undefined if it is none of these. */
function pageAt(path) {
  if (path === "/ui" || path.startsWith("/ui/")) return ["ui.html", policy("APPLICATION_POLICY")];
  return /^\/graphiql\/?$/.test(path) ? ["graphiql.html", policy("POLICY")] : undefined;
}

async function page([name, policy], answer) {
  files = await bundle("/dev");
  const html = (await readFile(`${rust}/${name}`, "utf8")).replaceAll("{assets}", "/pages/dev").replaceAll("{root}", "/");
  const whole = html.replace("{access}", await readFile(`${rust}/access.html`, "utf8"));
  answer.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy });
  answer.end(whole);
}

function asset(name, answer) {
  const content = files.get(name);
  const media = name.endsWith(".css") ? "text/css" : "text/javascript";
  answer.writeHead(content ? 200 : 404, { "Content-Type": `${media}; charset=utf-8`, "Cache-Control": "no-store" });
  answer.end(content);
}

function options(asked) {
  // The server takes a socket of its own origin only.
  const headers = { ...asked.headers, host: target.host };
  if (headers.origin) headers.origin = target.origin;
  return { host: target.hostname, port: target.port, method: asked.method, path: asked.url, headers };
}

const server = createServer((asked, answer) => {
  const path = asked.url.split("?")[0];
  const found = pageAt(path);
  if (/^\/console\/?$/.test(path)) return answer.writeHead(308, { Location: "/ui/sql" }).end();
  if (path === "/") return answer.writeHead(307, { Location: "/ui/" }).end();
  if (found) return void page(found, answer).catch((error) => answer.writeHead(500).end(String(error)));
  if (path.startsWith("/pages/dev/")) return asset(path.slice("/pages/dev/".length), answer);
  const passed = request(options(asked), (reply) => {
    answer.writeHead(reply.statusCode, reply.headers);
    reply.pipe(answer);
  });
  passed.on("error", (error) => answer.headersSent || answer.writeHead(502).end(String(error)));
  answer.on("close", () => passed.destroy());
  asked.pipe(passed);
});

server.on("upgrade", (asked, socket, head) => {
  const passed = request(options(asked));
  passed.on("upgrade", (reply, other, first) => {
    const lines = Object.entries(reply.headers).map(([name, value]) => `${name}: ${value}`);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`);
    socket.write(first);
    other.write(head);
    other.pipe(socket).pipe(other);
    other.on("error", () => socket.destroy());
    socket.on("error", () => other.destroy());
  });
  passed.on("error", () => socket.destroy());
  passed.end();
});

server.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}/ui/ before ${target.origin}`));
