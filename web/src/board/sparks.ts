// Small lines behind the values of a board, all by one question.

import { rows } from "../api/rows.ts";
import { isNumeric } from "../api/types.ts";
import { useRequest } from "../ui/request.ts";
import { type Bucket, stepOf } from "./paint.ts";
import { bucketsOf } from "./queries.ts";
import type { BoardData, Sparks } from "./types.ts";
import { kindOf, type Widget } from "./widgets.ts";

/** More buckets than this are not seen, and what they show changes slowly. */
const MOST_BUCKETS = 60;
const EVERY = 30_000;

async function load(ids: number[], length: number, signal: AbortSignal): Promise<Sparks> {
  const now = Date.now();
  const step = stepOf(now - length, now, MOST_BUCKETS);
  const [from, to] = [Math.floor((now - length) / step) * step, Math.ceil(now / step) * step];
  const of = new Map<number, Bucket[]>();
  if (ids.length === 0) return { from, to, step, of };
  const params = { step: `${step / 1000} seconds`, from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  const found = await rows<{ stream_id: number; t: string; least: number; most: number; mean: number }>(bucketsOf(ids), params, signal);
  for (const { stream_id, t, ...rest } of found) {
    of.set(stream_id, [...(of.get(stream_id) ?? []), { at: Date.parse(t), ...rest }]);
  }
  return { from, to, step, of };
}

/** Lines of the streams whose values a board shows as numbers. */
export function useSparks(widgets: Widget[], { streams, length }: BoardData): Sparks | undefined {
  const shown = widgets.filter((widget) => kindOf(widget) === "value").flatMap(({ config }) => streams.get(config.sensorIds?.[0] ?? "") ?? []);
  const ids = shown.filter((stream) => isNumeric(stream.type)).map(({ rowId }) => rowId);
  // Without the lines the values are still there: what went wrong is said by them.
  return useRequest((signal) => load(ids, length, signal), [ids.join(), length], EVERY).data;
}
