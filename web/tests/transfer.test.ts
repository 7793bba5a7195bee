// An import in pieces: each line once, however often it is interrupted; and preferences, of which each page changes its own.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { changePreference } from "../src/api/preferences.ts";
import { indexOf } from "../src/pages/data/readings.ts";
import { begin, cancel, goOn, isSame, JobEnded, loadTransfer, PIECE, saveTransfer, step } from "../src/pages/data/transfer.ts";

const kept = new Map<string, string>([["basalt.key", "bslt_key"]]);
const storage = {
  getItem: (name: string) => kept.get(name) ?? null,
  setItem: (name: string, value: string) => void kept.set(name, value),
  removeItem: (name: string) => void kept.delete(name),
};
Object.defineProperty(globalThis, "sessionStorage", { configurable: true, value: storage });

const INDEX = indexOf([{ rowId: 7, name: "speed", type: "fp64", device: null }]);
const MAPPING = { delimiter: "," as const, isLocal: false, time: 0, streams: [null, 7] };
const HEAD = "ts,speed\n";
const row = (n: number) => `${1_777_377_600 + n},${n}\n`;

interface Sent {
  method: string;
  path: string;
  key: string | undefined;
  body: string;
}

let sent: Sent[] = [];
/** The server's answer to a request: a body, or a status that refuses it. */
let answer: (request: Sent) => object | number;

beforeEach(() => {
  sent = [];
  answer = ({ path }) => (path === "/api/job/" ? { id: 3 + sent.filter((other) => other.path === path).length } : {});
  globalThis.fetch = async (path, init) => {
    const headers = init?.headers as Record<string, string>;
    const request = { method: init?.method ?? "GET", path: String(path), key: headers["Idempotency-Key"], body: String(init?.body ?? "") };
    sent.push(request);
    const answered = answer(request);
    if (typeof answered === "number") return new Response(JSON.stringify({ detail: `refused ${answered}` }), { status: answered });
    return new Response(JSON.stringify(answered));
  };
});

function fileOf(rows: number): File {
  return new File([HEAD, ...Array.from({ length: rows }, (_, n) => row(n))], "speed.csv", { lastModified: 5 });
}

test("a small file is one piece, with its wrong lines counted, and its job is done", async () => {
  const file = new File([HEAD, row(0), "never,1\n", row(1)], "speed.csv");
  const done = await step(file, await begin(file, MAPPING, HEAD.length), INDEX);
  assert.deepEqual([done.offset, done.readings, done.wrong, done.wrongLines], [file.size, 2, 1, ["never,1"]]);
  assert.deepEqual(sent.map(({ method, path }) => `${method} ${path}`), ["POST /api/job/", "POST /ingest", "PATCH /api/job/4/"]);
  assert.deepEqual(JSON.parse(sent[2]?.body ?? ""), { state: "done", result: { readings: 2, wrong_lines: 1 } });
});

test("a large file is cut between lines, and every line is sent once under a key of its own piece", async () => {
  const rows = Math.ceil((2.5 * PIECE) / row(100_000).length);
  const file = fileOf(rows);
  let transfer = await begin(file, MAPPING, HEAD.length);
  while (transfer.offset < file.size) transfer = await step(file, transfer, INDEX);
  const pieces = sent.filter(({ path }) => path === "/ingest");
  const lines = pieces.flatMap(({ body }) => body.split("\n"));
  assert.deepEqual([transfer.readings, transfer.wrong, lines.length], [rows, 0, rows]);
  assert.equal(new Set(lines).size, rows);
  assert.deepEqual([pieces.length, new Set(pieces.map(({ key }) => key)).size], [3, 3]);
});

test("a piece that failed is sent again under the same key", async () => {
  const file = fileOf(3);
  const transfer = await begin(file, MAPPING, HEAD.length);
  answer = ({ path }) => (path === "/ingest" ? 503 : {});
  await assert.rejects(step(file, transfer, INDEX), /refused 503/);
  answer = () => ({});
  await step(file, transfer, INDEX);
  const [first, second] = sent.filter(({ path }) => path === "/ingest");
  assert.ok(first?.key);
  assert.deepEqual([second?.key, second?.body], [first?.key, first?.body]);
});

test("an import whose job somebody has cancelled ends, and goes on with a job of its own", async () => {
  const file = fileOf(3);
  const transfer = await begin(file, MAPPING, HEAD.length);
  answer = ({ method }) => (method === "PATCH" ? 409 : { id: 9 });
  await assert.rejects(step(file, transfer, INDEX), JobEnded);
  const resumed = await goOn(transfer);
  assert.deepEqual([resumed.job, resumed.id, resumed.offset], [9, transfer.id, transfer.offset]);
  answer = () => ({});
  assert.equal((await goOn(resumed)).job, 9, "a job that goes on is kept");
  answer = () => 503;
  await assert.rejects(goOn(resumed), /refused 503/);
});

test("a job that has ended already needs no cancelling; another refusal is told", async () => {
  const transfer = await begin(fileOf(1), MAPPING, HEAD.length);
  for (const status of [404, 409]) {
    answer = () => status;
    await cancel(transfer);
  }
  answer = () => 403;
  await assert.rejects(cancel(transfer), /refused 403/);
});

test("a transfer is found again after the page was loaded anew, for the same file alone", async () => {
  const file = fileOf(2);
  const transfer = await begin(file, MAPPING, HEAD.length);
  saveTransfer(transfer);
  assert.deepEqual(loadTransfer(), transfer);
  assert.equal(isSame(file, transfer), true);
  assert.equal(isSame(fileOf(3), transfer), false);
  assert.equal(isSame(new File([await file.arrayBuffer()], file.name, { lastModified: 6 }), transfer), false);
  saveTransfer(undefined);
  assert.equal(loadTransfer(), undefined);
});

test("a preference is changed from what is stored at that moment, and the others stay", async () => {
  answer = ({ method, body }) => (method === "PUT" ? JSON.parse(body) : { boards: { order: 1 }, questions: ["a"] });
  const stored = await changePreference("questions", (known) => [...(known as string[]), "b"]);
  assert.deepEqual(stored, { boards: { order: 1 }, questions: ["a", "b"] });
  assert.deepEqual(sent.map(({ method }) => method), ["GET", "PUT"]);
});
