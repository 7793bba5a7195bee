// The editor as a component uses it: loaded when the page is opened, with the schema as soon as that is known.

import { useEffect, useRef, useState } from "preact/hooks";
import { rows } from "../../api/rows.ts";
import type { Editor } from "./editor.ts";

const COLUMNS = `SELECT table_name, column_name FROM information_schema.columns
  WHERE table_schema = 'public' ORDER BY table_name, ordinal_position`;
const FUNCTIONS = "SELECT DISTINCT routine_name FROM information_schema.routines ORDER BY 1";

async function loadSchema(editor: Editor, place: HTMLElement, signal: AbortSignal): Promise<void> {
  const [columns, functions] = await Promise.all([
    rows<{ table_name: string; column_name: string }>(COLUMNS, {}, signal),
    rows<{ routine_name: string }>(FUNCTIONS, {}, signal),
  ]);
  const tables: Record<string, string[]> = {};
  for (const { table_name, column_name } of columns) (tables[table_name] ??= []).push(column_name);
  if (signal.aborted) return;
  place.dataset["schema"] = "known";
  editor.setSchema(tables, functions.map((row) => row.routine_name));
}

/** An editor in the element that `place` is given to. */
export function useEditor(first: string, run: () => void) {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | undefined>(undefined);
  const [text, setText] = useState(first);
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    const control = new AbortController();
    void import("./editor.ts").then(({ makeEditor }) => {
      if (control.signal.aborted || !place.current) return;
      editor.current = makeEditor(place.current, first, { run: () => latest.current(), changed: setText });
      // Without the schema there are no completions, and nothing else is missing.
      loadSchema(editor.current, place.current, control.signal).catch(() => {});
    });
    return () => {
      control.abort();
      editor.current?.destroy();
    };
  }, []);
  const put = (next: string) => {
    setText(next);
    editor.current?.setText(next);
  };
  return { place, text, put, focus: () => editor.current?.focus() };
}
