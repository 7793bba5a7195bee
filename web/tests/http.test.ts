// Requests: what a refusal says, whoever refuses, and lists that come in pages.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, isAway, onUnauthenticated, send } from "../src/api/http.ts";
import { all } from "../src/api/all.ts";
import { graphText } from "../src/api/graph.ts";

Object.defineProperty(globalThis, "sessionStorage", { configurable: true, value: { getItem: () => "bslt_key" } });

/** The server answers the next request with this; what was sent. */
function answering(body: unknown, status = 200, headers: Record<string, string> = {}) {
  const requests: [string, RequestInit | undefined][] = [];
  globalThis.fetch = async (path, init) => {
    requests.push([String(path), init]);
    return new Response(typeof body === "string" ? body : JSON.stringify(body), { status, statusText: "Bad", headers });
  };
  return requests;
}

async function refused(work: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await work.then(
    () => assert.fail("it was answered"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof ApiError, String(error));
  return error;
}

test("a refusal of REST has its words, its fields, and the number of the request", async () => {
  answering({ name: ["taken", "too long"], port: ["not a number"] }, 400, { "X-Request-Id": "r1" });
  const error = await refused(send("/api/device/"));
  assert.deepEqual([error.status, error.message, error.requestId], [400, "taken too long not a number", "r1"]);
  assert.deepEqual(error.fields, [
    { field: "name", message: "taken" },
    { field: "name", message: "too long" },
    { field: "port", message: "not a number" },
  ]);
  answering({ detail: "no such device" }, 404);
  assert.equal((await refused(send("/api/device/9/"))).message, "no such device");
});

test("an answer that is no JSON is told by its status", async () => {
  answering("<html>", 502);
  const error = await refused(send("/api/device/"));
  assert.deepEqual([error.message, isAway(error)], ["HTTP 502 Bad", true]);
});

test("an error of GraphQL has its code, also beside data: half an answer is none", async () => {
  answering({ data: { a: 1 }, errors: [{ message: "no", extensions: { code: "FORBIDDEN" } }] });
  const error = await refused(graphText("query A { a }"));
  assert.deepEqual([error.message, error.code, isAway(error)], ["no", "FORBIDDEN", false]);
  answering({ data: { a: 1 } });
  assert.deepEqual(await graphText("query A { a }"), { a: 1 });
});

test("who is not logged in any more is told of once for each request, and of no other refusal", async () => {
  let count = 0;
  onUnauthenticated(() => (count += 1));
  answering({ detail: "who?" }, 401);
  assert.equal((await refused(send("/api/me/"))).isUnauthenticated, true);
  answering({ detail: "not you" }, 403);
  assert.equal((await refused(send("/api/me/"))).isUnauthenticated, false);
  assert.equal(count, 1);
  onUnauthenticated(() => {});
});

test("a server that is not reached is away, and a request that was given up is no refusal", async () => {
  globalThis.fetch = () => Promise.reject(new TypeError("Failed to fetch"));
  const error = await refused(send("/api/device/"));
  assert.deepEqual([error.status, isAway(error)], [0, true]);
  globalThis.fetch = () => Promise.reject(Object.assign(new Error("given up"), { name: "AbortError" }));
  await assert.rejects(send("/api/device/"), { name: "AbortError" });
});

test("a request says who sends it, and what its caller says goes before", async () => {
  const requests = answering({});
  await send("/api/device/", { headers: { Accept: "text/csv" } });
  await send("/api/session/", {}, {});
  assert.deepEqual(requests.map(([, init]) => init?.headers), [{ Authorization: "ApiKey bslt_key", Accept: "text/csv" }, {}]);
});

test("all pages of a list are asked for, each after the end of the one before", async () => {
  const pages = [["a", "b"], ["c"], []];
  const asked: (string | null)[] = [];
  const nodes = await all(async (after) => {
    asked.push(after);
    const index = asked.length - 1;
    return { nodes: pages[index] as string[], pageInfo: { hasNextPage: index < 2, endCursor: `end ${index}` } };
  });
  assert.deepEqual([nodes, asked], [["a", "b", "c"], [null, "end 0", "end 1"]]);
});
