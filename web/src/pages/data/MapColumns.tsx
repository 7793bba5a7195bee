// Which column is the time, and into which stream each of the others goes.

import { useState } from "preact/hooks";
import { isNumeric } from "../../api/types.ts";
import { Field } from "../../ui/Field.tsx";
import { type Mapping, type Shape, timeOf } from "./csv.ts";
import type { DataStream } from "./Page.tsx";
import { t } from "./words.ts";

/** The first column whose values are times. */
function timeColumn({ samples, columns }: Shape): number {
  const found = columns.findIndex((_, index) => samples.length > 0 && samples.every((row) => timeOf(row[index] ?? "", false) !== undefined));
  return Math.max(0, found);
}

const fullName = (stream: DataStream) => (stream.device ? `${stream.name} (${stream.device.name})` : stream.name);

interface Props {
  name: string;
  shape: Shape;
  streams: DataStream[];
  begin: (mapping: Mapping) => void;
  cancel: () => void;
}

export function MapColumns({ name, shape, streams, begin, cancel }: Props) {
  const numeric = streams.filter(({ type }) => isNumeric(type));
  const [time, setTime] = useState(() => timeColumn(shape));
  const [isLocal, setLocal] = useState(false);
  const [chosen, setChosen] = useState(() => shape.columns.map((column) => numeric.find((stream) => stream.name === column)?.rowId ?? null));
  const [isWrong, setWrong] = useState(false);
  const mapped = chosen.map((stream, index) => (index === time ? null : stream));
  return (
    <form
      class="map-columns"
      onSubmit={(event) => {
        event.preventDefault();
        setWrong(mapped.every((stream) => stream === null));
        if (mapped.some((stream) => stream !== null)) begin({ delimiter: shape.delimiter, isLocal, time, streams: mapped });
      }}
    >
      <h2>{name}</h2>
      <div class="form">
        <Field label={t("timeColumn")}>
          <select value={time} onChange={(event) => setTime(Number(event.currentTarget.value))}>
            {shape.columns.map((column, index) => (
              <option key={index} value={index}>
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
      <div class="table-wrap" tabIndex={0} role="region" aria-label={t("column")}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("column")}</th>
              <th scope="col">{t("samples")}</th>
              <th scope="col">{t("intoStream")}</th>
            </tr>
          </thead>
          <tbody>
            {shape.columns.map(
              (column, index) =>
                index !== time && (
                  <tr key={index}>
                    <th scope="row">{column}</th>
                    <td class="mono">{shape.samples.map((row) => row[index]).join(" · ")}</td>
                    <td>
                      <select
                        aria-label={`${t("intoStream")}: ${column}`}
                        value={chosen[index] ?? ""}
                        onChange={(event) => setChosen(chosen.map((one, place) => (place === index ? Number(event.currentTarget.value) || null : one)))}
                      >
                        <option value="">{t("leaveOut")}</option>
                        {numeric.map((stream) => (
                          <option key={stream.rowId} value={stream.rowId}>
                            {fullName(stream)}
                          </option>
                        ))}
                      </select>
                    </td>
                  </tr>
                ),
            )}
          </tbody>
        </table>
      </div>
      {isWrong && (
        <p class="error-text" role="alert">
          {t("noStreamChosen")}
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
