// A range of time in a form: typed, or selected in the chart.

import { useEffect, useState } from "preact/hooks";
import type { UserError } from "../../api/graph.ts";
import type { Range } from "../../chart/levels.ts";
import { parseRange } from "../../chart/range.ts";
import { TextField } from "../../ui/fields.tsx";
import { t } from "./words.ts";

/** Whole seconds, as they are typed. */
export const written = (time: number) => new Date(Math.round(time / 1000) * 1000).toISOString().replace(".000Z", "Z");

export interface Bounds {
  from: string;
  to: string;
  setFrom: (text: string) => void;
  setTo: (text: string) => void;
  range: Range | undefined;
}

/** Begin and end as text, which follow what is selected in the chart. */
export function useBounds(brush: Range | undefined): Bounds {
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  useEffect(() => {
    if (!brush) return;
    setFrom(written(brush.from));
    setTo(written(brush.to));
  }, [brush?.from, brush?.to]);
  return { from, to, setFrom, setTo, range: parseRange({ from, to }, Date.now()) };
}

export function BoundFields({ bounds, errors }: { bounds: Bounds; errors: UserError[] }) {
  return (
    <>
      <TextField name="from" label={t("rangeFrom")} value={bounds.from} change={bounds.setFrom} errors={errors} placeholder="now-7d" isRequired />
      <TextField name="to" label={t("rangeTo")} value={bounds.to} change={bounds.setTo} errors={errors} placeholder="now-1d" isRequired />
    </>
  );
}

/** Asks for both ends of a range as errors of their fields. */
export function rangeErrors(range: Range | undefined): UserError[] {
  return range ? [] : [{ field: "from", message: t("rangeWrong") }];
}
