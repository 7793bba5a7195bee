// Streams in an order: found by part of their names, added one by one.

import { useEffect, useState } from "preact/hooks";
import { graph } from "../api/graph.ts";
import { isNumeric, type Named } from "../api/types.ts";
import { t } from "../words/index.ts";
import { useRequest } from "./request.ts";
import { ErrorBox } from "./parts.tsx";
import { PICK_STREAMS } from "./queries.ts";

export interface ChosenStream extends Named {
  unit: string;
  type: string;
  device: Named | null;
}

interface Props {
  label: string;
  chosen: ChosenStream[];
  change: (chosen: ChosenStream[]) => void;
}

const REST = 150;

export function StreamChoice({ label, chosen, change }: Props) {
  const [text, setText] = useState("");
  const [searched, setSearched] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setSearched(text.trim()), REST);
    return () => clearTimeout(timer);
  }, [text]);
  const { data, error, reload } = useRequest(
    async (signal) => (searched ? (await graph(PICK_STREAMS, { text: searched }, signal)).streams.nodes : []),
    [searched],
  );
  const known = new Set(chosen.map(({ rowId }) => rowId));
  const found = (data ?? []).filter(({ rowId, type }) => isNumeric(type) && !known.has(rowId));
  return (
    <fieldset class="group">
      <legend>{label}</legend>
      {chosen.length > 0 && (
        <ol class="chosen">
          {chosen.map((stream) => (
            <li key={stream.rowId}>
              {stream.name} <span class="muted small">{stream.device?.name}</span>{" "}
              <button
                type="button"
                class="plain"
                aria-label={t("remove", { name: stream.name })}
                onClick={() => change(chosen.filter(({ rowId }) => rowId !== stream.rowId))}
              >
                {t("removeShort")}
              </button>
            </li>
          ))}
        </ol>
      )}
      <input type="search" aria-label={`${label}: ${t("find")}`} placeholder={t("find")} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      <ErrorBox error={error} again={reload} />
      <ul class="found">
        {found.map((stream) => (
          <li key={stream.rowId}>
            <button
              type="button"
              class="plain"
              onClick={() => {
                change([...chosen, stream]);
                setText("");
              }}
            >
              + {stream.name}
            </button>{" "}
            <span class="muted small">{stream.device?.name}</span>
          </li>
        ))}
      </ul>
    </fieldset>
  );
}
