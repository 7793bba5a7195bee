// Asking the server: a question is a path and a JSON body; its answer comes as rows, or as a file.

import { credentials } from "./access.js";

/** The forms an answer can be downloaded in, and the ending of their files. */
export const FORMS = {
  csv: { accept: "text/csv", ending: "csv" },
  parquet: { accept: "application/vnd.apache.parquet", ending: "parquet" },
  arrow: { accept: "application/vnd.apache.arrow.stream", ending: "arrows" },
};

async function send(path, init) {
  const response = await fetch(path, { ...init, headers: { ...credentials(), ...init.headers } });
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw new Error(body.detail ?? body.error ?? `The server answered ${response.status}.`);
}

function post({ path, body }, accept, signal) {
  const headers = { "Content-Type": "application/json", Accept: accept };
  return send(path, { method: "POST", headers, body: JSON.stringify(body), signal });
}

/** All named queries. */
export async function namedQueries() {
  return (await send("/sql/queries", {})).json();
}

/** Whole numbers that a double cannot hold keep their digits, as text. */
function exact(_, value, context) {
  const isRounded = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
  return isRounded && context?.source ? context.source : value;
}

/** At most `limit` rows, as objects; `whole` says whether that is all. Ending early ends the query. */
export async function rows(question, limit, signal) {
  const response = await post(question, "application/x-ndjson", signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const found = [];
  let unfinished = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return { rows: found, whole: true };
    const lines = (unfinished + value).split("\n");
    unfinished = lines.pop();
    for (const line of lines) {
      if (found.length === limit) {
        await reader.cancel();
        return { rows: found, whole: false };
      }
      found.push(JSON.parse(line, exact));
    }
  }
}

/** Saves the whole answer as a file. */
export async function download(question, form, name) {
  const { accept, ending } = FORMS[form];
  const response = await post(question, accept);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = `${name}.${ending}`;
  link.click();
  URL.revokeObjectURL(link.href);
}
