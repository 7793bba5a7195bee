// Importing a CSV file: chosen, its layout and columns told, sent in pieces.

import { useState } from "preact/hooks";
import { Empty } from "../../ui/parts.tsx";
import { type Shape, shapeOf } from "./csv.ts";
import { MapColumns } from "./MapColumns.tsx";
import type { DataStream } from "./types.ts";
import type { Mapping } from "./readings.ts";
import { ImportProgress } from "./ImportProgress.tsx";
import { isSame, loadTransfer, saveTransfer, type Transfer } from "./transfer.ts";
import { may } from "../../shell/session.ts";
import { t } from "./words.ts";

/** Bytes that are read of a file to see its columns. */
const FIRST_BYTES = 65_536;

/** Text with which a file begins; its byte order mark, if it has one, counts among the bytes of the first line. */
async function headOf(file: File): Promise<string> {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(await file.slice(0, FIRST_BYTES).arrayBuffer());
}

function Drop({ take }: { take: (file: File) => void }) {
  const [isOver, setOver] = useState(false);
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer?.files[0];
    if (file) take(file);
  };
  return (
    <label
      class={`drop${isOver ? " is-over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      <span>{t("dropHere")}</span>
      <input
        type="file"
        accept=".csv,.txt,.tsv,text/csv"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file) take(file);
        }}
      />
    </label>
  );
}

type ChosenFile = { file: File; shape: Shape };
type RunningImport = { file: File; transfer: Transfer | undefined; mapping: Mapping; headBytes: number };

export function Import({ streams }: { streams: DataStream[] }) {
  const [unfinished, setUnfinished] = useState(loadTransfer);
  const [chosen, setChosen] = useState<ChosenFile>();
  const [running, setRunning] = useState<RunningImport>();
  const [problem, setProblem] = useState("");
  const take = async (file: File) => {
    setProblem("");
    if (unfinished) {
      if (isSame(file, unfinished)) setRunning({ file, transfer: unfinished, mapping: unfinished.mapping, headBytes: 0 });
      else setProblem(t("otherFile"));
      return;
    }
    const shape = shapeOf(await headOf(file));
    if (shape) setChosen({ file, shape });
    else setProblem(t("noTable"));
  };
  const startOver = () => {
    saveTransfer(undefined);
    setUnfinished(undefined);
    setChosen(undefined);
    setRunning(undefined);
  };
  if (!may("value:write")) return <Empty title={t("forbidden")} note="value:write" />;
  if (running) return <ImportProgress key={running.file.name} {...running} streams={streams} startOver={startOver} />;
  if (chosen) {
    const begin = (mapping: Mapping) => setRunning({ file: chosen.file, transfer: undefined, mapping, headBytes: chosen.shape.headBytes });
    return <MapColumns name={chosen.file.name} shape={chosen.shape} streams={streams} begin={begin} cancel={startOver} />;
  }
  return (
    <section>
      {unfinished ? <p role="status">{t("resumeNote", { name: unfinished.name })}</p> : <p class="muted">{t("importNote")}</p>}
      <Drop take={(file) => void take(file)} />
      {problem && (
        <p class="error-text" role="alert">
          {problem}
        </p>
      )}
      {unfinished && (
        <button type="button" onClick={startOver}>
          {t("forget")}
        </button>
      )}
    </section>
  );
}
