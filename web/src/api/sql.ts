// SQL over HTTP, answered as Arrow.

import { type Table, tableFromIPC } from "@uwdata/flechette";
import { post } from "./http.ts";

const ARROW = "application/vnd.apache.arrow.stream";

/** Runs one statement. Times are milliseconds since 1970, 64-bit integers plain numbers. */
export async function sql(query: string, params: object = {}, signal?: AbortSignal): Promise<Table> {
  const answer = await post("/sql", { query, params }, ARROW, signal);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return tableFromIPC(bytes, { useBigInt: false, useDate: false });
}

/** A column of numbers, NaN where it has NULL. */
export function numbers(table: Table, name: string): Float64Array {
  const column = table.getChild(name);
  const values = new Float64Array(table.numRows);
  for (let row = 0; row < values.length; row += 1) values[row] = (column.at(row) as number | null) ?? NaN;
  return values;
}
