// A row for each value: which columns have the stream, the value and what else there may be, and how the first lines are read.

import { Field } from "../../ui/Field.tsx";
import type { Shape } from "./csv.ts";
import type { LongColumns } from "./guess.ts";
import { isImportable, type StreamIndex, streamOf } from "./readings.ts";
import { t } from "./words.ts";
import { fullName } from "./WideColumns.tsx";

interface Props {
  shape: Shape;
  time: number;
  index: StreamIndex;
  columns: LongColumns;
  change: (columns: LongColumns) => void;
}

const NEEDED = [["stream", "streamColumn"], ["value", "valueColumn"]] as const;
const OPTIONAL = [["device", "deviceColumn"], ["text", "textColumn"], ["quality", "qualityColumn"]] as const;

function Samples({ shape, time, index, columns }: Omit<Props, "change">) {
  const { stream, device, value, text } = columns;
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label={t("samples")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("time")}</th>
            <th scope="col">{t("stream")}</th>
            <th scope="col">{t("value")}</th>
          </tr>
        </thead>
        <tbody>
          {shape.samples.map((row, place) => {
            const found = streamOf(index, row[stream] ?? "", device === null ? "" : (row[device] ?? ""));
            const cell = found?.type === "text" && text !== null ? row[text] : row[value];
            return (
              <tr key={place}>
                <td class="mono">{row[time]}</td>
                <td>
                  {found && isImportable(found.type) ? fullName(found) : <span class="error-text">{t("unknownStream", { name: row[stream] ?? "" })}</span>}
                </td>
                <td class="mono">{cell}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

export function LongRows({ change, ...props }: Props) {
  const { shape, columns } = props;
  const options = shape.columns.map((name, place) => (
    <option key={place} value={place}>
      {name}
    </option>
  ));
  return (
    <>
      <div class="form">
        {NEEDED.map(([name, word]) => (
          <Field key={name} label={t(word)} hint={name === "stream" ? t("streamColumnNote") : undefined}>
            <select value={columns[name]} onChange={(event) => change({ ...columns, [name]: Number(event.currentTarget.value) })}>
              {options}
            </select>
          </Field>
        ))}
        {OPTIONAL.map(([name, word]) => (
          <Field key={name} label={t(word)}>
            <select
              value={columns[name] ?? ""}
              onChange={(event) => change({ ...columns, [name]: event.currentTarget.value === "" ? null : Number(event.currentTarget.value) })}
            >
              <option value="">{t("noColumn")}</option>
              {options}
            </select>
          </Field>
        ))}
      </div>
      <Samples {...props} />
    </>
  );
}
