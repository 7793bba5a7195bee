// Ctrl+K: finds devices and streams by part of their names, and pages by the beginning of theirs.

import { useEffect, useRef, useState } from "preact/hooks";
import { graph, type Data } from "../api/graph.ts";
import { isNumeric } from "../api/types.ts";
import { useRequest } from "../ui/request.ts";
import { ErrorBox } from "../ui/parts.tsx";
import { t } from "../words/index.ts";
import { allowedPages } from "./pages.ts";
import { FIND } from "./queries.ts";
import { navigate } from "./router.ts";

type SearchResults = Data<"Find">;

interface Entry {
  key: string;
  name: string;
  of: string;
  target: string;
}

/** Typing is not asked about at every letter. */
const REST = 150;

function entries({ devices, streams }: SearchResults): Entry[] {
  const target = (stream: SearchResults["streams"]["nodes"][number]) => (isNumeric(stream.type) ? `/trend?s=${stream.rowId}` : `/streams/${stream.rowId}`);
  return [
    ...devices.nodes.map((device) => ({ key: `d${device.rowId}`, name: device.name, of: t("device"), target: `/devices/${device.rowId}` })),
    ...streams.nodes.map((stream) => ({ key: `s${stream.rowId}`, name: stream.name, of: stream.device?.name ?? t("stream"), target: target(stream) })),
  ];
}

/** Pages whose names begin with what is typed, or all of them. */
function pagesOf(text: string): Entry[] {
  const wanted = text.trim().toLowerCase();
  const pages = allowedPages().map(({ path, word }) => ({ key: `p${path}`, name: t(word), of: t("page"), target: path }));
  return pages.filter(({ name }) => name.toLowerCase().startsWith(wanted));
}

export function Find({ isOpen, close }: { isOpen: boolean; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [searched, setSearched] = useState("");
  const [chosen, setChosen] = useState(0);
  // Whether the dialog was shown and not closed from here since.
  const isShown = useRef(false);
  useEffect(() => {
    isShown.current = isOpen;
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  // Escape closes it from here: when the browser does, `close` comes a frame later, and would take back an opening in between.
  const onCancel = (event: Event) => {
    event.preventDefault();
    close();
  };
  const onClose = () => isShown.current && !dialog.current?.open && close();
  useEffect(() => {
    const timer = setTimeout(() => setSearched(text.trim()), REST);
    return () => clearTimeout(timer);
  }, [text]);
  const { data, error } = useRequest(async (signal) => (searched ? entries(await graph(FIND, { text: searched }, signal)) : []), [searched]);
  const found = [...(searched ? (data ?? []) : []), ...pagesOf(text)];
  useEffect(() => setChosen(0), [data]);
  const go = (entry: Entry | undefined) => {
    if (!entry) return;
    setText("");
    close();
    navigate(entry.target);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setChosen((before) => Math.min(Math.max(before + step, 0), found.length - 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      go(found[chosen]);
    }
  };
  return (
    <dialog class="find" ref={dialog} onCancel={onCancel} onClose={onClose} aria-label={t("find")}>
      <input
        role="combobox"
        aria-expanded={found.length > 0}
        aria-controls="found"
        aria-activedescendant={found[chosen] ? `found-${found[chosen].key.replace("/", "")}` : undefined}
        aria-label={t("findHint")}
        placeholder={t("findHint")}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <ErrorBox error={error} />
      <ul id="found" role="listbox" aria-label={t("findHint")}>
        {found.map((entry, index) => (
          <li key={entry.key} id={`found-${entry.key.replace("/", "")}`} role="option" aria-selected={index === chosen} onClick={() => go(entry)}>
            <span>{entry.name}</span> <span class="muted">{entry.of}</span>
          </li>
        ))}
      </ul>
      <p class="muted small" role="status">{found.length > 0 ? t("findKeys") : searched && data ? t("findNothing") : t("findStart")}</p>
    </dialog>
  );
}
