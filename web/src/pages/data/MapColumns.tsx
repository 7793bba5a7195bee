// How a file is read: its layout, which column is the time, and where the streams and values are.

import { useMemo, useState } from "preact/hooks";
import { Field } from "../../ui/Field.tsx";
import type { Shape } from "./csv.ts";
import { isUsedTwice, type LongColumns, longColumns, timeColumn } from "./guess.ts";
import { LongRows } from "./LongRows.tsx";
import type { DataStream } from "./types.ts";
import { indexOf, isImportable, type Mapping } from "./readings.ts";
import { t } from "./words.ts";
import { WideColumns } from "./WideColumns.tsx";

/** The first columns beside that of times, for somebody to choose others. */
function anyColumns(count: number, time: number): LongColumns {
  const [stream = 0, value = 0] = Array.from({ length: count }, (_, column) => column).filter((column) => column !== time);
  return { stream, device: null, value, text: null, quality: null };
}

interface Props {
  name: string;
  shape: Shape;
  streams: DataStream[];
  begin: (mapping: Mapping) => void;
  cancel: () => void;
}

export function MapColumns({ name, shape, streams, begin, cancel }: Props) {
  const possible = useMemo(() => streams.filter(({ type }) => isImportable(type)), [streams]);
  const index = useMemo(() => indexOf(streams), [streams]);
  const [time, setTime] = useState(() => timeColumn(shape));
  const [isLocal, setLocal] = useState(false);
  const [found] = useState(() => longColumns(shape, time, index));
  const [isLong, setLong] = useState(found !== undefined);
  const [long, setLongColumns] = useState<LongColumns>(found ?? anyColumns(shape.columns.length, time));
  const [chosen, setChosen] = useState(() => shape.columns.map((column) => possible.find((stream) => stream.name === column)?.rowId ?? null));
  const [problem, setProblem] = useState("");
  const wide = chosen.map((stream, column) => (column === time ? null : stream));
  const start = () => {
    const common = { delimiter: shape.delimiter, isLocal, time };
    const wrong = isLong ? isUsedTwice(long, time) && t("usedTwice") : wide.every((stream) => stream === null) && t("noStreamChosen");
    setProblem(wrong || "");
    if (!wrong) begin(isLong ? { ...common, ...long, columns: shape.columns.length } : { ...common, streams: wide });
  };
  return (
    <form
      class="map-columns"
      onSubmit={(event) => {
        event.preventDefault();
        start();
      }}
    >
      <h2>{name}</h2>
      <div class="form">
        <Field label={t("layout")}>
          <select value={isLong ? "long" : "wide"} onChange={(event) => setLong(event.currentTarget.value === "long")}>
            <option value="wide">{t("layoutWide")}</option>
            <option value="long">{t("layoutLong")}</option>
          </select>
        </Field>
        <Field label={t("timeColumn")}>
          <select value={time} onChange={(event) => setTime(Number(event.currentTarget.value))}>
            {shape.columns.map((column, place) => (
              <option key={place} value={place}>
                {column}
              </option>
            ))}
          </select>
        </Field>
        <Field label={t("zone")}>
          <select value={isLocal ? "local" : "utc"} onChange={(event) => setLocal(event.currentTarget.value === "local")}>
            <option value="utc">{t("zoneUtc")}</option>
            <option value="local">{t("zoneLocal")}</option>
          </select>
        </Field>
      </div>
      {isLong ? (
        <LongRows shape={shape} time={time} index={index} columns={long} change={setLongColumns} />
      ) : (
        <WideColumns shape={shape} time={time} streams={possible} chosen={chosen} change={setChosen} />
      )}
      {problem && (
        <p class="error-text" role="alert">
          {problem}
        </p>
      )}
      <p class="links">
        <button class="primary">{t("begin")}</button>
        <button type="button" onClick={cancel}>
          {t("cancel")}
        </button>
      </p>
    </form>
  );
}
