// The SQL page: an editor, the named queries beside it, the answer as table and chart, and downloads.

import "./console.css";
import { connectAccess, isKnown } from "./access.js";
import { followWidth, showChart } from "./chart.js";
import { makeEditor } from "./editor.js";
import { showGrid } from "./grid.js";
import { namesIn, ParamsForm } from "./params.js";
import { download, namedQueries, rows } from "./sql.js";

/** Rows that are read; all of them are in a download. */
const MAX_ROWS = 10_000;
const FIRST_TEXT = "SELECT * FROM latest ORDER BY ts DESC LIMIT 100";
const COLUMNS = `SELECT table_name, column_name FROM information_schema.columns
  WHERE table_schema = 'public' ORDER BY table_name, ordinal_position`;
const FUNCTIONS = "SELECT DISTINCT routine_name FROM information_schema.routines ORDER BY 1";

const place = (id) => document.getElementById(id);
const params = new ParamsForm(place("params"));
/** A link from another page brings its statement behind `#`, which is never sent; it is shown and not run. */
const linked = new URLSearchParams(location.hash.slice(1)).get("q");
const editor = makeEditor(place("editor"), { text: linked ?? FIRST_TEXT, run, changed: showParams });
/** The named query whose text was put into the editor last. */
let chosen;
/** Ends the question that is being asked. */
let asking;

/** By its name when the text is that of a named query, else as it stands. */
function question() {
  const query = editor.text();
  if (query === chosen?.query) {
    return { path: `/sql/queries/${chosen.name}`, body: { params: params.given() } };
  }
  return { path: "/sql", body: { query, params: params.literals() } };
}

function showParams() {
  const text = editor.text();
  const declared = text === chosen?.query ? chosen.params : undefined;
  params.show(declared?.map((param) => param.name) ?? namesIn(text), declared);
}

function say(text, isError = false) {
  place("status").textContent = text;
  place("status").classList.toggle("error", isError);
}

/** Runs `work`, and says what went wrong. */
async function told(work) {
  try {
    await work();
  } catch (error) {
    if (error.name !== "AbortError") say(error.message, true);
  }
}

async function run() {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  await told(async () => {
    say("Asking …");
    const began = performance.now();
    const answer = await rows(question(), MAX_ROWS, signal).catch((error) => {
      // What an earlier question showed is no answer to this one.
      if (!signal.aborted) show([]);
      throw error;
    });
    show(answer.rows);
    const count = `${answer.rows.length} ${answer.rows.length === 1 ? "row" : "rows"}`;
    const time = `${Math.round(performance.now() - began)} ms`;
    say(answer.whole ? `${count} in ${time}` : `The first ${count} in ${time}; a download has all of them`);
  });
}

function show(found) {
  showGrid(place("grid"), found);
  showChart(place("chart"), found);
}

function choose(query) {
  chosen = query;
  editor.setText(query.query);
  showParams();
  if (query.params.some((param) => param.required)) place("params").querySelector(":required").focus();
  else run();
}

function listQueries(queries) {
  const items = queries.map((query) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = query.description;
    button.textContent = query.name;
    button.addEventListener("click", () => choose(query));
    const item = document.createElement("li");
    item.append(button);
    return item;
  });
  place("queries").replaceChildren(...items);
}

async function loadSchema() {
  const asked = [COLUMNS, FUNCTIONS].map((query) => rows({ path: "/sql", body: { query } }, MAX_ROWS));
  const [columns, functions] = await Promise.all(asked);
  const tables = Object.groupBy(columns.rows, (row) => row.table_name);
  const names = Object.entries(tables).map(([table, of]) => [table, of.map((row) => row.column_name)]);
  editor.setSchema(Object.fromEntries(names), functions.rows.map((row) => row.routine_name));
}

async function load() {
  if (!isKnown()) {
    // What was shown was for somebody who has left.
    asking?.abort();
    listQueries([]);
    show([]);
    say("Give an API key or log in to begin.");
    return;
  }
  await told(async () => {
    say("");
    const [queries] = await Promise.all([namedQueries(), loadSchema()]);
    listQueries(queries);
    editor.focus();
  });
}

followWidth(place("chart"));
place("params").addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
for (const button of document.querySelectorAll("button[data-form]")) {
  const name = () => (editor.text() === chosen?.query ? chosen.name : "answer");
  button.addEventListener("click", () => told(() => download(question(), button.dataset.form, name())));
}
await connectAccess(load);
await load();
