// The answer: as a chart where it has times and numbers, and as a table.

import { useEffect, useRef } from "preact/hooks";
import { isDark } from "../../shell/theme.ts";
import { isUtc } from "../../ui/format.ts";
import { VirtualTable } from "../../ui/rows.tsx";
import { type Cell, type Row, seriesOf } from "./series.ts";
import { t } from "./words.ts";

const HEIGHT = 28;

function Chart({ rows }: { rows: Row[] }) {
  const place = useRef<HTMLElement>(null);
  const series = seriesOf(rows);
  const [dark, utc] = [isDark.value, isUtc.value];
  useEffect(() => {
    if (!series || !place.current) return undefined;
    const figure = place.current;
    let remove: (() => void) | undefined;
    let isGone = false;
    void import("./draw.ts").then(({ draw }) => {
      if (!isGone) remove = draw(figure, series, dark);
    });
    return () => {
      isGone = true;
      remove?.();
    };
  }, [rows, dark, utc]);
  return series && <figure class="answer-chart" aria-label={t("chart")} ref={place} />;
}

function Value({ value }: { value: Cell }) {
  if (value === null) return <td class="muted">NULL</td>;
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return (
    <td class={typeof value === "number" ? "number" : ""} title={text.length > 40 ? text : undefined}>
      {text}
    </td>
  );
}

export function Result({ rows }: { rows: Row[] }) {
  const columns = Object.keys(rows[0] ?? {});
  if (columns.length === 0) return <p class="muted">{t("noRows")}</p>;
  const head = (
    <tr>
      {columns.map((name) => (
        <th scope="col" key={name} class={typeof rows[0]?.[name] === "number" ? "number" : ""}>
          {name}
        </th>
      ))}
    </tr>
  );
  return (
    <>
      <Chart rows={rows} />
      <div class="grid mono">
        <VirtualTable
          rows={rows}
          height={HEIGHT}
          head={head}
          columns={columns.length}
          label={t("answer")}
          row={(row, index) => (
            <tr key={index}>
              {columns.map((name) => (
                <Value key={name} value={row[name] ?? null} />
              ))}
            </tr>
          )}
        />
      </div>
    </>
  );
}
