// Readings of streams as a file, with a sign of how much has come.

import { useEffect, useRef, useState } from "preact/hooks";
import { isAborted, post } from "../../api/http.ts";
import { parseTime } from "../../chart/range.ts";
import { useAction } from "../../ui/request.ts";
import { Field } from "../../ui/Field.tsx";
import { saveFile } from "../../ui/file.ts";
import { formatBytes } from "../../ui/format.ts";
import { useNarrowed } from "../../ui/narrow.tsx";
import { ErrorBox } from "../../ui/parts.tsx";
import type { DataStream } from "./types.ts";
import { readingsOf } from "./queries.ts";
import { fullName } from "./WideColumns.tsx";
import { t } from "./words.ts";

const FORMATS = {
  csv: ["CSV", "text/csv"],
  parquet: ["Parquet", "application/vnd.apache.parquet"],
  ndjson: ["NDJSON", "application/x-ndjson"],
} as const;
type Format = keyof typeof FORMATS;

interface ExportRequest {
  streams: number[];
  from: string;
  to: string;
  format: Format;
}

/** Receives a file piece by piece; `told` is called with the bytes that are there. */
async function receive({ streams, from, to, format }: ExportRequest, told: (bytes: number) => void, signal: AbortSignal): Promise<Blob> {
  const answer = await post("/sql", { query: readingsOf(streams), params: { from, to } }, FORMATS[format][1], signal);
  const reader = (answer.body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  while (true) {
    const { value, done } = await reader.read();
    if (done) return new Blob(pieces, { type: FORMATS[format][1] });
    pieces.push(value);
    bytes += value.length;
    told(bytes);
  }
}

export function Export({ streams }: { streams: DataStream[] }) {
  const [chosen, setChosen] = useState<number[]>([]);
  const [from, setFrom] = useState("now-24h");
  const [to, setTo] = useState("now");
  const [format, setFormat] = useState<Format>("csv");
  const [bytes, setBytes] = useState<number>();
  const [isSaved, setSaved] = useState(false);
  const [problems, setProblems] = useState<{ from?: string; to?: string; streams?: string }>({});
  const { run, error, isRunning } = useAction();
  const control = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => control.current?.abort(), []);
  const work = async () => {
    const [start, end] = [parseTime(from, Date.now()), parseTime(to, Date.now())];
    const wrong = {
      ...(start === undefined && { from: t("rangeWrong") }),
      ...(end === undefined && { to: t("rangeWrong") }),
      ...(chosen.length === 0 && { streams: t("noneChosen") }),
    };
    setProblems(wrong);
    setSaved(false);
    if (start === undefined || end === undefined || chosen.length === 0) return;
    control.current = new AbortController();
    setBytes(0);
    const wanted = { streams: chosen, from: new Date(start).toISOString(), to: new Date(end).toISOString(), format };
    try {
      saveFile(await receive(wanted, setBytes, control.current.signal), `readings.${format}`);
      setSaved(true);
    } catch (failure) {
      if (!isAborted(failure)) throw failure;
      setBytes(undefined);
    }
  };
  const toggle = (id: number) => setChosen(chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id]);
  const { shown, search } = useNarrowed(streams, fullName, ({ rowId }) => chosen.includes(rowId));
  return (
    <form
      class="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        run(work);
      }}
    >
      <p class="muted">{t("exportNote")}</p>
      <fieldset class="streams">
        <legend>{t("streams")}</legend>
        {streams.length === 0 && <p class="muted">{t("streamsNone")}</p>}
        {search}
        {shown.map((stream) => (
          <label class="check" key={stream.rowId}>
            <input type="checkbox" checked={chosen.includes(stream.rowId)} onChange={() => toggle(stream.rowId)} /> {stream.name}
            {stream.device && <span class="muted"> ({stream.device.name})</span>}
          </label>
        ))}
      </fieldset>
      {problems.streams && (
        <p class="error-text" role="alert">
          {problems.streams}
        </p>
      )}
      <Field label={t("rangeFrom")} error={problems.from}>
        <input value={from} spellcheck={false} onInput={(event) => setFrom(event.currentTarget.value)} />
      </Field>
      <Field label={t("rangeTo")} error={problems.to}>
        <input value={to} spellcheck={false} onInput={(event) => setTo(event.currentTarget.value)} />
      </Field>
      <Field label={t("format")}>
        <select value={format} onChange={(event) => setFormat(event.currentTarget.value as Format)}>
          {(Object.keys(FORMATS) as Format[]).map((one) => (
            <option key={one} value={one}>
              {FORMATS[one][0]}
            </option>
          ))}
        </select>
      </Field>
      <ErrorBox error={error} />
      <div class="buttons">
        <button class="primary" disabled={isRunning}>
          {t("start")}
        </button>
        {isRunning && (
          <button type="button" onClick={() => control.current?.abort()}>
            {t("cancel")}
          </button>
        )}
      </div>
      <p role="status">
        {bytes !== undefined && t("received", { size: formatBytes(bytes) })} {isSaved && t("exported")}
      </p>
    </form>
  );
}
