// The streams that a new device gets: a row each, typed, pasted from a spreadsheet, or taken from what a test has read.

import { useState } from "preact/hooks";
import type { UserError } from "../../api/graph.ts";
import { BLANK_STREAM, parsePasted, type StreamDraft } from "./draft.ts";
import { FORMS, type ProtocolName, TYPES } from "./protocols.ts";
import { shortReading } from "./tree.ts";
import type { RegisterTest } from "./types.ts";
import { t } from "./words.ts";

interface Props {
  protocol: ProtocolName;
  streams: StreamDraft[];
  change: (streams: StreamDraft[]) => void;
  /** Errors of each row. */
  errors: UserError[][];
  tested: RegisterTest[];
}

/** Results of a test: the words that it has read, and each reading of them, of which one can be taken. */
function Readings({ test, take }: { test: RegisterTest; take: (type: string | null, wordorder: string | null) => void }) {
  if (test.error !== null) return <p class="error-text">{test.error}</p>;
  return (
    <p class="tested small">
      <span class="mono">{test.raw.join(" ")}</span>
      {test.values.map(({ type, wordorder, value }) => (
        <button key={`${type}${wordorder}`} type="button" class="plain" onClick={() => take(type, wordorder)}>
          {[type ?? test.dataType, wordorder].filter(Boolean).join(" ")} <strong>{shortReading(value, type ?? test.dataType)}</strong>
        </button>
      ))}
    </p>
  );
}

interface RowProps {
  row: StreamDraft;
  number: number;
  protocol: ProtocolName;
  errors: UserError[];
  test: RegisterTest | undefined;
  change: (changes: Partial<StreamDraft>) => void;
  remove: () => void;
}

function Row({ row, number, protocol, errors, test, change, remove }: RowProps) {
  const of = (label: string) => t("inRow", { label, n: number });
  const isWrong = (field: string) => errors.some((error) => error.field === field);
  const cell = (name: "name" | "path" | "unit", label: string, example = "") => (
    <td>
      <input
        aria-label={of(label)}
        aria-invalid={isWrong(name)}
        value={row[name]}
        placeholder={example}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => change({ [name]: event.currentTarget.value })}
      />
    </td>
  );
  return (
    <>
      <tr>
        {cell("name", t("name"))}
        {cell("path", t("path"), FORMS[protocol].pathExample)}
        <td>
          <select aria-label={of(t("type"))} aria-invalid={isWrong("type")} value={row.type} onChange={(event) => change({ type: event.currentTarget.value })}>
            {TYPES.map((type) => (
              <option key={type}>{type}</option>
            ))}
          </select>
        </td>
        {FORMS[protocol].hasByteorder && (
          <td>
            <select aria-label={of(t("wordorder"))} value={row.wordorder} onChange={(event) => change({ wordorder: event.currentTarget.value })}>
              <option value="">–</option>
              {["abcd", "cdab", "badc", "dcba"].map((order) => (
                <option key={order}>{order}</option>
              ))}
            </select>
          </td>
        )}
        {cell("unit", t("unit"))}
        <td>
          <select
            aria-label={of(t("access"))}
            value={row.accessMode}
            onChange={(event) => change({ accessMode: event.currentTarget.value === "rw" ? "rw" : "r" })}
          >
            <option>r</option>
            <option>rw</option>
          </select>
        </td>
        <td>
          <button type="button" onClick={remove} aria-label={t("removeRow", { n: number })}>
            ✕
          </button>
        </td>
      </tr>
      {(errors.length > 0 || test) && (
        <tr>
          <td colSpan={7}>
            {errors.map(({ field, message }) => (
              <p key={message} class="error-text" role="alert">
                {field}: {message}
              </p>
            ))}
            {test && (
              <Readings
                test={test}
                take={(type, wordorder) => change({ ...(type && { type }), ...(FORMS[protocol].hasByteorder && { wordorder: wordorder ?? "" }) })}
              />
            )}
          </td>
        </tr>
      )}
    </>
  );
}

function Paste({ add }: { add: (rows: StreamDraft[]) => void }) {
  const [text, setText] = useState("");
  const rows = parsePasted(text, TYPES);
  return (
    <details>
      <summary>{t("paste")}</summary>
      <p class="small muted">{t("pasteNote")}</p>
      <textarea aria-label={t("paste")} rows={4} value={text} onInput={(event) => setText(event.currentTarget.value)} spellcheck={false} />
      <p class="links">
        <button
          type="button"
          disabled={rows.length === 0}
          onClick={() => {
            add(rows);
            setText("");
          }}
        >
          {t("takeRows", { n: rows.length })}
        </button>
      </p>
    </details>
  );
}

export function StreamRows({ protocol, streams, change, errors, tested }: Props) {
  const words = [t("name"), t("path"), t("type"), ...(FORMS[protocol].hasByteorder ? [t("wordorder")] : []), t("unit"), t("access")];
  const isBlank = (row: StreamDraft) => row.name === "" && row.path === "";
  return (
    <>
      <div class="table-wrap stream-rows" tabIndex={0} role="region" aria-label={t("streams")}>
        <table>
          <thead>
            <tr>
              {words.map((word) => (
                <th scope="col" key={word}>
                  {word}
                </th>
              ))}
              <td />
            </tr>
          </thead>
          <tbody>
            {streams.map((row, i) => (
              <Row
                key={i}
                row={row}
                number={i + 1}
                protocol={protocol}
                errors={errors[i] ?? []}
                test={tested.find(({ register }) => register === row.path.trim() && register !== "")}
                change={(changes) => change(streams.map((one, j) => (j === i ? { ...one, ...changes } : one)))}
                remove={() => change(streams.filter((_, j) => j !== i))}
              />
            ))}
          </tbody>
        </table>
      </div>
      <p class="links">
        <button type="button" onClick={() => change([...streams, { ...BLANK_STREAM, type: streams.at(-1)?.type ?? BLANK_STREAM.type }])}>
          {t("addRow")}
        </button>
      </p>
      <Paste add={(rows) => change([...streams.filter((row) => !isBlank(row)), ...rows])} />
    </>
  );
}
