// Tag lists: how one is sent, and what is said of its lines.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { TagLine, TagListReport } from "../src/pages/devices/tagList.ts";

const kept = new Map<string, string>([["basalt.key", "bslt_key"]]);
const storage = { getItem: (name: string) => kept.get(name) ?? null };
Object.defineProperty(globalThis, "localStorage", { configurable: true, value: storage });
Object.defineProperty(globalThis, "sessionStorage", { configurable: true, value: storage });
Object.defineProperty(globalThis, "navigator", { configurable: true, value: { language: "en", languages: ["en"] } });
Object.defineProperty(globalThis, "location", { configurable: true, value: { pathname: "/ui/devices/7", search: "", hash: "" } });
const { detailsOf, linesOf, mayImportTags, OUTCOMES, outcomesOf, sendTagList } = await import("../src/pages/devices/tagList.ts");
const { me } = await import("../src/shell/session.ts");

const SETTINGS = { path: "hr:100", type: "uint16", unit: "", scale: 1, offset: 0, description: "" };
const line = (part: Partial<TagLine>): TagLine => ({
  line: 2,
  name: "speed",
  outcome: "added",
  stream: "speed",
  settings: null,
  differences: [],
  remark: null,
  ...part,
});

test("a list is sent unchanged, and makes nothing unless it is said to", async () => {
  const requests: [string, RequestInit | undefined][] = [];
  globalThis.fetch = async (path, init) => {
    requests.push([String(path), init]);
    return new Response(JSON.stringify({ applied: false, lines: [] }));
  };
  const file = new File([new Uint8Array([0xff, 0xfe, 0x6e, 0x00])], "tags.csv");
  assert.equal((await sendTagList("7", file, true)).applied, false);
  await sendTagList("7", "name;address\n", false);
  assert.deepEqual(requests.map(([path]) => path), ["/api/device/7/tag-list/?dry_run=true", "/api/device/7/tag-list/?dry_run=false"]);
  assert.deepEqual(requests.map(([, init]) => init?.body), [file, "name;address\n"]);
  for (const [, init] of requests) assert.equal((init?.headers as Record<string, string>)["Content-Type"], "text/plain");
});

test("who has a key of some devices alone, or may not write streams, is not offered an import", () => {
  const who = { kind: "key", username: null, organization: "plant", restricted: false, scopes: ["device:read", "data:write"] };
  for (const [caller, expected] of [
    [who, true],
    [{ ...who, scopes: ["device:write", "data:write"] }, true],
    [{ ...who, scopes: ["device:read", "data:read"] }, false],
    [{ ...who, scopes: ["data:write"] }, false],
    [{ ...who, restricted: true }, false],
    [null, false],
  ] as const) {
    me.value = caller as typeof me.value;
    assert.equal(mayImportTags(), expected, JSON.stringify(caller));
  }
});

test("a new stream has its settings, without those that change nothing", () => {
  assert.deepEqual(detailsOf(line({ settings: SETTINGS })), ["hr:100 · uint16"]);
  const scaled = { ...SETTINGS, unit: "°C", scale: 0.1, offset: -40, description: "Winding" };
  assert.deepEqual(detailsOf(line({ settings: scaled, remark: "not cut" })), ["hr:100 · uint16 · °C · × 0.1 · − 40 · Winding", "not cut"]);
  assert.deepEqual(detailsOf(line({ settings: { ...SETTINGS, offset: 2.5 } })), ["hr:100 · uint16 · + 2.5"]);
});

test("of a stream that stays as it is, its own name and what differs are said", () => {
  const differences = [{ field: "unit", stream: "mbar", list: "bar" }, { field: "description", stream: "", list: "Winding" }];
  const said = detailsOf(line({ outcome: "unchanged", stream: "Speed 1", differences }));
  assert.deepEqual(said, ["stream Speed 1", "unit: mbar (list: bar)", "description: – (list: Winding)"]);
  assert.deepEqual(detailsOf(line({ outcome: "unchanged" })), []);
});

test("a line that is left out says why", () => {
  assert.deepEqual(detailsOf(line({ outcome: "left_out", stream: null, remark: "an alias" })), ["an alias"]);
});

test("lines are shown by their outcomes, in the order of the list", () => {
  const lines = [line({ line: 2 }), line({ line: 3, outcome: "left_out" }), line({ line: 4 })];
  const report = { added: 2, unchanged: 0, replaced: 0, left_out: 1, lines } as TagListReport;
  assert.deepEqual(outcomesOf(report), ["added", "left_out"]);
  assert.deepEqual(linesOf(report, "").map((one) => one.line), [2, 3, 4]);
  assert.deepEqual(linesOf(report, "added").map((one) => one.line), [2, 4]);
});

test("the report is the one that the server describes", () => {
  const { components } = JSON.parse(readFileSync("../schema/openapi.json", "utf8"));
  const { properties } = components.schemas.TagListReport;
  const described = properties.lines.items.properties;
  assert.deepEqual(described.outcome.enum, OUTCOMES);
  assert.deepEqual(Object.keys(described).sort(), Object.keys(line({})).sort());
  for (const name of ["applied", "format", "separator", "encoding", ...OUTCOMES]) assert.ok(name in properties, name);
});
