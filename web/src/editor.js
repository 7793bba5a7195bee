// The SQL editor: CodeMirror, with the tables, columns and functions that the key may use as completions.

import { completeFromList } from "@codemirror/autocomplete";
import { PostgreSQL, sql } from "@codemirror/lang-sql";
import { syntaxHighlighting } from "@codemirror/language";
import { Compartment, Prec } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import { basicSetup } from "codemirror";

/** PostgreSQL has hundreds of keywords: tables and columns come first. */
const keywordCompletion = (label, type) => ({ label, type, boost: -50 });

/** `run` is called by Ctrl+Enter, `changed` with every change. */
export function makeEditor(parent, { text, run, changed }) {
  const language = new Compartment();
  const view = new EditorView({
    parent,
    doc: text,
    extensions: [
      Prec.highest(keymap.of([{ key: "Mod-Enter", run: () => (run(), true) }])),
      basicSetup,
      syntaxHighlighting(classHighlighter),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ "aria-label": "SQL" }),
      EditorView.updateListener.of((update) => update.docChanged && changed()),
      language.of(sql({ dialect: PostgreSQL, keywordCompletion })),
    ],
  });
  return {
    text: () => view.state.doc.toString(),
    setText: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    focus: () => view.focus(),
    /** `tables` is columns by table, `functions` their names. */
    setSchema(tables, functions) {
      const dialect = sql({ dialect: PostgreSQL, schema: tables, keywordCompletion });
      const options = functions.map((label) => ({ label, type: "function" }));
      const known = PostgreSQL.language.data.of({ autocomplete: completeFromList(options) });
      view.dispatch({ effects: language.reconfigure([dialect, known]) });
    },
  };
}
