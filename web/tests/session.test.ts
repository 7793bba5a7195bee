// The session: what somebody may do, and what is left of one that has ended.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Me } from "../src/api/types.ts";

const kept = new Map<string, string>();
const storage = {
  getItem: (name: string) => kept.get(name) ?? null,
  setItem: (name: string, value: string) => void kept.set(name, value),
  removeItem: (name: string) => void kept.delete(name),
};
const page = { pathname: "/ui/", search: "", hash: "" };
const cookies = { cookie: "" };
Object.defineProperty(globalThis, "localStorage", { configurable: true, value: storage });
Object.defineProperty(globalThis, "sessionStorage", { configurable: true, value: storage });
Object.defineProperty(globalThis, "location", { configurable: true, value: page });
Object.defineProperty(globalThis, "document", { configurable: true, value: cookies });
const addresses: string[] = [];
const replaceState = (_: unknown, __: string, address: string) => void addresses.push(address);
Object.defineProperty(globalThis, "history", { configurable: true, value: { state: null, replaceState } });
const { leave, linkError, loadMe, may, me, sessionError, useKey } = await import("../src/shell/session.ts");

const ANN: Me = { kind: "user", username: "ann", organization: "plant", restricted: false, scopes: ["device:read", "value:write"] };
const KEY = "basalt.key";

/** Answers requests by their paths; a number refuses with this status. What was sent. */
function serving(answers: Record<string, object | number>) {
  const requests: { path: string; headers: Record<string, string>; body: unknown }[] = [];
  globalThis.fetch = async (path, init) => {
    const body = init?.body ? JSON.parse(String(init.body)) : undefined;
    requests.push({ path: String(path), headers: init?.headers as Record<string, string>, body });
    const answer = answers[String(path)] ?? 404;
    if (typeof answer === "number") return new Response(JSON.stringify({ detail: `refused ${answer}` }), { status: answer });
    return new Response(JSON.stringify(answer));
  };
  return requests;
}

beforeEach(() => {
  kept.clear();
  cookies.cookie = "";
  page.hash = "";
  addresses.length = 0;
  me.value = undefined;
});

test("a scope to write includes the one to read, and nobody may anything", () => {
  me.value = ANN;
  assert.deepEqual(["device:read", "device:write", "value:read", "value:write", "data:read"].map(may), [true, false, true, true, false]);
  me.value = null;
  assert.equal(may("device:read"), false);
});

test("without a key and a session nobody is asked about", async () => {
  const requests = serving({});
  await loadMe();
  assert.deepEqual([me.value, requests], [null, []]);
});

test("a key that the server knows says who uses the pages; one that it refuses is forgotten", async () => {
  const requests = serving({ "/graphql": { data: { me: ANN } } });
  await useKey("bslt_good");
  assert.deepEqual([me.value, kept.get(KEY), requests[0]?.headers["Authorization"]], [ANN, "bslt_good", "ApiKey bslt_good"]);
  serving({ "/graphql": 401 });
  await assert.rejects(useKey("bslt_bad"), /refused 401/);
  assert.equal(kept.get(KEY) ?? "", "");
});

test("a session that has ended is forgotten with what was run in it; a server that is away ends none", async () => {
  kept.set(KEY, "bslt_key");
  kept.set("basalt.statements", "SELECT 1");
  serving({ "/graphql": 503 });
  await loadMe();
  assert.deepEqual([me.value, sessionError.value?.status, kept.get(KEY)], [undefined, 503, "bslt_key"]);
  serving({ "/graphql": 401 });
  await loadMe();
  assert.deepEqual([me.value, sessionError.value, kept.get(KEY) ?? "", kept.has("basalt.statements")], [null, undefined, "", false]);
});

test("the token of a one-time link leaves the address before it is sent, and goes before a key", async () => {
  kept.set(KEY, "bslt_key");
  page.hash = "#login=token";
  cookies.cookie = "csrftoken=c";
  const requests = serving({ "/api/session/link/": {}, "/graphql": { data: { me: ANN } } });
  await loadMe();
  assert.deepEqual(addresses, ["/ui/"]);
  assert.deepEqual(requests.map(({ path, body }) => [path, path === "/graphql" ? null : body]), [["/api/session/link/", { token: "token" }], ["/graphql", null]]);
  assert.deepEqual([requests[0]?.headers["Authorization"], requests[1]?.headers["X-CSRFToken"], me.value], [undefined, "c", ANN]);
});

test("a link that was used says so, and leaves who is there", async () => {
  kept.set(KEY, "bslt_key");
  page.hash = "#login=used";
  serving({ "/api/session/link/": 401, "/graphql": { data: { me: ANN } } });
  await loadMe();
  assert.deepEqual([linkError.value?.message, me.value], ["refused 401", ANN]);
});

test("leaving forgets a key without asking, and ends a session at the server", async () => {
  kept.set(KEY, "bslt_key");
  const requests = serving({ "/api/session/": {} });
  await leave();
  assert.deepEqual([requests.length, kept.get(KEY) ?? "", me.value], [0, "", null]);
  cookies.cookie = "csrftoken=c";
  await leave();
  assert.deepEqual(requests.map(({ path }) => path), ["/api/session/"]);
  assert.match(cookies.cookie, /^csrftoken=; .*Max-Age=0/);
});
