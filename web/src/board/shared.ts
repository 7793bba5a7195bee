// Data that the widgets of a board share: their streams, and the newest values of those.

import { all } from "../api/all.ts";
import { graph } from "../api/graph.ts";
import { rows } from "../api/rows.ts";
import { type RequestState, useRequest } from "../ui/request.ts";
import { LATEST, STREAMS, shownStreams } from "./queries.ts";
import type { BoardStream, BoardData, Value } from "./types.ts";
import { streamsOf, type Widget } from "./widgets.ts";

/** Values are asked for this often. */
const EVERY = 2000;

interface ShownStream extends Omit<BoardStream, "device"> {
  device_id: number;
  device: string;
  device_interval: number | null;
}

/** Streams by their UUIDs: those of a board, which are few, or all that a widget can have. */
async function loadStreams(shown: string[] | undefined, signal: AbortSignal): Promise<Map<string, BoardStream>> {
  if (shown) {
    const found = shown.length === 0 ? [] : await rows<ShownStream>(shownStreams(shown), {}, signal);
    return new Map(found.map(({ device_id, device, device_interval, ...stream }) => [stream.uuid, {
      ...stream,
      device: { rowId: device_id, name: device, pollInterval: device_interval },
    }]));
  }
  const streams = await all((after) => graph(STREAMS, { after }, signal).then((answer) => answer.streams));
  return new Map(streams.map((stream) => [stream.uuid, stream]));
}

async function loadValues(ids: number[], signal: AbortSignal): Promise<Map<number, Value>> {
  if (ids.length === 0) return new Map();
  const { latestValues } = await graph(LATEST, { streams: ids.map(String) }, signal);
  return new Map(latestValues.map((value) => [value.streamRowId, value]));
}

/** Loads the data that the widgets share: the streams that the reader sees, and the values of those that are shown. */
export function useBoardData(
  widgets: Widget[],
  length: number,
  every: number,
  isEditing: boolean,
): { shared: BoardData | undefined; requests: RequestState<unknown>[] } {
  const shown = isEditing ? undefined : streamsOf(widgets);
  const streams = useRequest((signal) => loadStreams(shown, signal), [shown?.join(), every], every);
  const ids = streamsOf(widgets).flatMap((uuid) => streams.data?.get(uuid)?.rowId ?? []);
  const values = useRequest((signal) => loadValues(ids, signal), [ids.join()], EVERY);
  // Until the values have come nothing says that there are none.
  const isKnown = values.data !== undefined || values.error !== undefined;
  const shared = streams.data && isKnown ? { streams: streams.data, values: values.data ?? new Map<number, Value>(), length } : undefined;
  return { shared, requests: [streams, values] as RequestState<unknown>[] };
}
