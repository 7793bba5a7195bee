// An import: a file in pieces, each sent once however often it is tried, with its progress in a job of the server.

import { ApiError, send } from "../../api/http.ts";
import { lastLine } from "./csv.ts";
import { type Mapping, readLines, type StreamIndex } from "./readings.ts";

const JSON_TYPE = { "Content-Type": "application/json" };
const SAVED = "basalt.import";
/** Bytes of the file that one request is made of. */
export const PIECE = 1 << 20;
/** Wrong lines that are kept to be shown. */
const MOST_WRONG = 20;

/** All that is needed to go on after the page was loaded anew, but for the file. */
export interface Transfer {
  /** Part of the idempotency keys. */
  id: string;
  job: number;
  name: string;
  size: number;
  modified: number;
  mapping: Mapping;
  /** Bytes that are done. */
  offset: number;
  readings: number;
  wrong: number;
  wrongLines: string[];
}

export function loadTransfer(): Transfer | undefined {
  const saved = sessionStorage.getItem(SAVED);
  return saved ? (JSON.parse(saved) as Transfer) : undefined;
}

export function saveTransfer(transfer: Transfer | undefined): void {
  if (transfer) sessionStorage.setItem(SAVED, JSON.stringify(transfer));
  else sessionStorage.removeItem(SAVED);
}

/** Whether this is the file that was being imported. */
export function isSame(file: File, { name, size, modified }: Transfer): boolean {
  return file.name === name && file.size === size && file.lastModified === modified;
}

/** A random id, also on plain HTTP, where browsers have no `randomUUID`. */
function randomId(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function createJob(name: string, size: number): Promise<number> {
  const body = JSON.stringify({ kind: "import", name: name.slice(0, 200), size, unit: "bytes" });
  return (await (await send("/api/job/", { method: "POST", headers: JSON_TYPE, body })).json()).id as number;
}

/** The job of an import has ended: somebody has cancelled it, or nothing was reported for too long. */
export class JobEnded extends Error {}

async function report(job: number, body: object): Promise<void> {
  await send(`/api/job/${job}/`, { method: "PATCH", headers: JSON_TYPE, body: JSON.stringify(body) }).catch((error: unknown) => {
    throw error instanceof ApiError && error.status === 409 ? new JobEnded(error.message) : error;
  });
}

export async function begin(file: File, mapping: Mapping, offset: number): Promise<Transfer> {
  const job = await createJob(file.name, file.size);
  return { id: randomId(), job, name: file.name, size: file.size, modified: file.lastModified, mapping, offset, readings: 0, wrong: 0, wrongLines: [] };
}

/** Goes on with a job of its own where the earlier one has ended, as it does when nothing was reported for five minutes. */
export async function goOn(transfer: Transfer): Promise<Transfer> {
  try {
    await report(transfer.job, { progress: transfer.offset / transfer.size });
    return transfer;
  } catch (error) {
    if (!(error instanceof JobEnded)) throw error;
    return { ...transfer, job: await createJob(transfer.name, transfer.size) };
  }
}

/** Sends the next piece; what is done after it. Fails with `JobEnded` if the job was cancelled. */
export async function step(file: File, transfer: Transfer, index: StreamIndex): Promise<Transfer> {
  const bytes = new Uint8Array(await file.slice(transfer.offset, transfer.offset + PIECE).arrayBuffer());
  const isLast = transfer.offset + bytes.length >= file.size;
  const length = isLast ? bytes.length : lastLine(bytes);
  if (length < 0) throw new ApiError("a line is longer than 1 MiB", 400);
  const { readings, wrong } = readLines(new TextDecoder().decode(bytes.subarray(0, length)).split("\n"), transfer.mapping, index);
  if (readings.length > 0) {
    const headers = { "Content-Type": "application/x-ndjson", "Idempotency-Key": `web-${transfer.id}-${transfer.offset}` };
    await send("/ingest", { method: "POST", headers, body: readings.join("\n") });
  }
  const offset = transfer.offset + length;
  const done = {
    ...transfer,
    offset,
    readings: transfer.readings + readings.length,
    wrong: transfer.wrong + wrong.length,
    wrongLines: [...transfer.wrongLines, ...wrong].slice(0, MOST_WRONG),
  };
  const isDone = offset >= file.size;
  await report(transfer.job, isDone ? { state: "done", result: { readings: done.readings, wrong_lines: done.wrong } } : { progress: offset / file.size });
  return done;
}

export async function cancel(transfer: Transfer): Promise<void> {
  await send(`/api/job/${transfer.job}/`, { method: "DELETE" }).catch((error: unknown) => {
    // It has ended already.
    if (!(error instanceof ApiError && (error.status === 409 || error.status === 404))) throw error;
  });
}
