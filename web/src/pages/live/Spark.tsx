// A small line of what a stream did in the last minutes, beside its value.

import { rows } from "../../api/rows.ts";
import { boundsOf, linePath, type Point } from "../../chart/plain.ts";
import { useRequest } from "../../ui/request.ts";
import { sparkSql } from "./queries.ts";

/** Length of time that is shown, and how often it is asked for, milliseconds. */
const SPAN = 900_000;
const REPEAT = 30_000;
const [WIDTH, HEIGHT] = [96, 22];

export interface Sparks {
  points: Map<number, Point[]>;
  to: number;
}

interface Row {
  stream_id: number;
  t: string;
  value: number;
}

/** Lines of the streams in view. */
export function useSparks(streams: number[]): Sparks | undefined {
  const { data } = useRequest(
    async (signal) => {
      const to = Date.now();
      const points = new Map<number, Point[]>();
      if (streams.length === 0) return { points, to };
      for (const { stream_id, t, value } of await rows<Row>(sparkSql(streams), { from: new Date(to - SPAN).toISOString() }, signal)) {
        points.set(stream_id, [...(points.get(stream_id) ?? []), { time: Date.parse(t) + 15_000, value }]);
      }
      return { points, to };
    },
    [streams.join()],
    REPEAT,
  );
  return data;
}

/** It says nothing that the value and the trend do not say, so it is silent for those who do not see it. */
export function Spark({ points, to }: { points: Point[] | undefined; to: number }) {
  if (!points || points.length < 2) return null;
  const [lo, hi] = boundsOf(points.map(({ value }) => value));
  const path = linePath(points, { range: { from: to - SPAN, to }, lo, hi, width: WIDTH, height: HEIGHT }, 180_000);
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
