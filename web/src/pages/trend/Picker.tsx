// The streams that can be chosen, by device, found by part of their names.

import { useEffect, useState } from "preact/hooks";
import { graph } from "../../api/graph.ts";
import { isNumeric, type Stream } from "../../api/types.ts";
import { useRequest } from "../../ui/request.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import { hasRoomForList } from "../../ui/phone.ts";
import { t } from "./words.ts";
import { PICK } from "./queries.ts";

interface Props {
  chosen: number[];
  toggle: (stream: number) => void;
  isFull: boolean;
  /** Whether the list lets a picture go first. */
  isWaiting: boolean;
}

function byDevice(streams: Stream[]): [string, Stream[]][] {
  const groups = new Map<string, Stream[]>();
  for (const stream of streams) {
    const name = stream.device?.name ?? "–";
    groups.set(name, [...(groups.get(name) ?? []), stream]);
  }
  return [...groups].sort(([a], [b]) => a.localeCompare(b));
}

export function Picker({ chosen, toggle, isFull, isWaiting }: Props) {
  const [text, setText] = useState("");
  const [searched, setSearched] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setSearched(text.trim()), 150);
    return () => clearTimeout(timer);
  }, [text]);
  const { data, error, reload } = useRequest(
    async (signal) => (isWaiting ? undefined : (await graph(PICK, { text: searched }, signal)).streams),
    [searched, isWaiting],
  );
  const groups = byDevice((data?.nodes ?? []).filter((stream) => isNumeric(stream.type)));
  return (
    <details class="picker" open={chosen.length === 0 || hasRoomForList.value}>
      <summary>{t("pickStreams")}</summary>
      <input
        type="search"
        aria-label={t("pickFind")}
        placeholder={t("pickFind")}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <ErrorBox error={error} again={reload} />
      <div class="picker-list">
        {groups.map(([device, streams]) => (
          <fieldset key={device}>
            <legend>{device}</legend>
            {streams.map((stream) => (
              <label key={stream.rowId} class="choice">
                <input
                  type="checkbox"
                  checked={chosen.includes(stream.rowId)}
                  disabled={isFull && !chosen.includes(stream.rowId)}
                  onChange={() => toggle(stream.rowId)}
                />
                <span>{stream.name}</span> <span class="muted small">{stream.unit}</span>
              </label>
            ))}
          </fieldset>
        ))}
        {data && groups.length === 0 && <p class="muted">{t(searched === "" ? "streamsNone" : "noStreams")}</p>}
        {data?.pageInfo.hasNextPage && <p class="muted small">{t("pickMore")}</p>}
      </div>
    </details>
  );
}
