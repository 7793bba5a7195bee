// The SQL editor: CodeMirror, with the tables, columns and functions that the reader may use as completions. It lives in a
// shadow tree, because only there its styles need no `<style>` element, which the policy of the page refuses.

import { autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completeFromList, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { PostgreSQL, sql } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import {
  crosshairCursor,
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** PostgreSQL has hundreds of keywords: tables and columns come first. */
const keywordCompletion = (label: string, type: string) => ({ label, type, boost: -50 });

const LOOKS = EditorView.theme({
  "&": { backgroundColor: "var(--back)", color: "var(--text)", minHeight: "8rem" },
  "&.cm-focused": { outline: "none" },
  // What scrolls by itself has to have the focus: the page scrolls instead.
  ".cm-scroller": { overflow: "visible" },
  ".cm-content": { caretColor: "var(--text)", font: "14px/1.5 var(--mono)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--soft)", color: "var(--muted)", borderColor: "var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--line) 30%, transparent)", color: "inherit" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--strong) 30%, transparent)",
  },
  ".cm-tooltip": { backgroundColor: "var(--soft)", border: "1px solid var(--control)", color: "var(--text)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--strong)", color: "var(--on-strong)" },
});

const COLOURS = syntaxHighlighting(
  HighlightStyle.define([
    { tag: [tags.keyword, tags.operatorKeyword], color: "light-dark(#a626a4, #d8a0f0)" },
    { tag: [tags.string, tags.special(tags.string)], color: "light-dark(#1a7f37, #8fd19e)" },
    { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "light-dark(#a04f00, #f0b072)" },
    { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
  ]),
);

/** The basic setup of CodeMirror without folding and without a panel for a linter: a statement has neither. */
const BASICS = [
  lineNumbers(),
  highlightActiveLineGutter(),
  highlightSpecialChars(),
  history(),
  drawSelection(),
  dropCursor(),
  EditorState.allowMultipleSelections.of(true),
  indentOnInput(),
  bracketMatching(),
  closeBrackets(),
  autocompletion(),
  rectangularSelection(),
  crosshairCursor(),
  highlightActiveLine(),
  highlightSelectionMatches(),
  keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap]),
];

export interface Editor {
  text: () => string;
  setText: (text: string) => void;
  focus: () => void;
  /** `tables` is columns by table, `functions` their names. */
  setSchema: (tables: Record<string, string[]>, functions: string[]) => void;
  destroy: () => void;
}

/** `run` is called by Ctrl+Enter, `changed` with every change. Escape, then Tab leaves the editor. */
export function makeEditor(place: HTMLElement, text: string, { run, changed }: { run: () => void; changed: (text: string) => void }): Editor {
  const root = place.shadowRoot ?? place.attachShadow({ mode: "open" });
  root.replaceChildren();
  const language = new Compartment();
  const view = new EditorView({
    parent: root,
    root,
    doc: text,
    extensions: [
      Prec.highest(keymap.of([{ key: "Mod-Enter", run: (view) => (closeCompletion(view), run(), true) }])),
      BASICS,
      LOOKS,
      COLOURS,
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ "aria-label": "SQL" }),
      EditorView.updateListener.of((update) => update.docChanged && changed(update.state.doc.toString())),
      language.of(sql({ dialect: PostgreSQL, keywordCompletion })),
    ],
  });
  return {
    text: () => view.state.doc.toString(),
    setText: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    focus: () => view.focus(),
    setSchema(tables, functions) {
      const dialect = sql({ dialect: PostgreSQL, schema: tables, keywordCompletion });
      const options = functions.map((label) => ({ label, type: "function" }));
      const known = PostgreSQL.language.data.of({ autocomplete: completeFromList(options) });
      view.dispatch({ effects: language.reconfigure([dialect, known]) });
    },
    destroy: () => view.destroy(),
  };
}
