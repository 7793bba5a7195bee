// A column for each stream: into which stream each goes.

import { useNarrowed } from "../../ui/narrow.tsx";
import type { Shape } from "./csv.ts";
import type { DataStream } from "./types.ts";
import { t } from "./words.ts";

export const fullName = (stream: DataStream) => (stream.device ? `${stream.name} (${stream.device.name})` : stream.name);

interface Props {
  shape: Shape;
  time: number;
  /** Streams that a column can go into. */
  streams: DataStream[];
  chosen: (number | null)[];
  change: (chosen: (number | null)[]) => void;
}

export function WideColumns({ shape, time, streams, chosen, change }: Props) {
  const { shown, search } = useNarrowed(streams, fullName, ({ rowId }) => chosen.includes(rowId));
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label={t("column")}>
      {search}
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
                      onChange={(event) => change(chosen.map((one, place) => (place === index ? Number(event.currentTarget.value) || null : one)))}
                    >
                      <option value="">{t("leaveOut")}</option>
                      {shown.map((stream) => (
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
  );
}
