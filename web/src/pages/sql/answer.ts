// The answer to a question: as rows, read while they arrive, or as a file.

import { post } from "../../api/http.ts";
import { saveFile } from "../../ui/file.ts";
import type { Cell, Row } from "./series.ts";
import type { Question } from "./statement.ts";

/** The forms an answer can be downloaded in, and the ending of their files. */
export const FORMS = {
  csv: { accept: "text/csv", ending: "csv", label: "CSV" },
  parquet: { accept: "application/vnd.apache.parquet", ending: "parquet", label: "Parquet" },
  arrow: { accept: "application/vnd.apache.arrow.stream", ending: "arrows", label: "Arrow" },
};

export type Form = keyof typeof FORMS;

export interface Answer {
  rows: Row[];
  /** Whether these are all rows. */
  isWhole: boolean;
}

/** Whole numbers that a double cannot hold keep their digits, as text. */
function exact(_: string, value: Cell, context?: { source?: string }): Cell {
  const isRounded = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
  return isRounded && context?.source ? context.source : value;
}

/** At most `limit` rows. Ending early, or by `signal`, ends the query on the server. */
export async function runStatement({ path, body }: Question, limit: number, signal: AbortSignal): Promise<Answer> {
  const response = await post(path, body, "application/x-ndjson", signal);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  const rows: Row[] = [];
  let unfinished = "";
  while (true) {
    const { value, done } = await reader.read();
    if (done) return { rows, isWhole: true };
    const lines = (unfinished + decoder.decode(value, { stream: true })).split("\n");
    unfinished = lines.pop() ?? "";
    for (const line of lines) {
      if (rows.length === limit) {
        await reader.cancel();
        return { rows, isWhole: false };
      }
      rows.push(JSON.parse(line, exact) as Row);
    }
  }
}

/** Saves the whole answer as a file. */
export async function download({ path, body, name }: Question, form: Form): Promise<void> {
  const { accept, ending } = FORMS[form];
  const response = await post(path, body, accept);
  saveFile(await response.blob(), `${name}.${ending}`);
}
