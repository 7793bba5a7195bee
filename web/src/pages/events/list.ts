// The list of events that match the address: loaded by pages, kept true by the subscription.

import { useEffect, useState } from "preact/hooks";
import { graph, type Data } from "../../api/graph.ts";
import { follow } from "../../api/live.ts";
import type { Level } from "../../api/types.ts";
import { parseTime } from "../../chart/range.ts";
import { useRequest } from "../../ui/request.ts";
import type { EventRow } from "./types.ts";
import { CHANGES, EVENTS } from "./queries.ts";

export interface Filters {
  level: Level | "";
  kind: string;
  text: string;
  device: string;
  from: string;
  to: string;
  isOpenOnly: boolean;
}

const LEVELS = ["info", "warning", "error", "critical"];

export function parseFilters(query: URLSearchParams): Filters {
  const level = query.get("level") ?? "";
  const device = query.get("device") ?? "";
  return {
    level: LEVELS.includes(level) ? (level as Level) : "",
    kind: query.get("kind") ?? "",
    text: query.get("q") ?? "",
    device: /^\d+$/.test(device) ? device : "",
    from: query.get("from") ?? "",
    to: query.get("to") ?? "",
    isOpenOnly: query.get("open") === "1",
  };
}

/** Events that are asked for more of at a time, and at most in one question. */
const PAGE = 100;
const MOST = 1000;

function variables({ level, kind, text, device, from, to, isOpenOnly }: Filters): Record<string, unknown> {
  const time = (text: string) => {
    const parsed = text ? parseTime(text, Date.now()) : undefined;
    return parsed === undefined ? null : new Date(parsed).toISOString();
  };
  return {
    level: level || null,
    kinds: kind ? [kind] : null,
    device: device || null,
    search: text || null,
    acknowledged: isOpenOnly ? false : null,
    from: time(from),
    to: time(to),
  };
}

/** Events matching the filters, the newest first. What is acknowledged meanwhile leaves the list of open ones. */
export function useEvents(filters: Filters) {
  const key = JSON.stringify(filters);
  const [pages, setPages] = useState(1);
  useEffect(() => setPages(1), [key]);
  const request = useRequest(
    async (signal) => {
      const nodes: EventRow[] = [];
      let after: string | null = null;
      let hasMore = true;
      while (nodes.length < pages * PAGE && hasMore) {
        const first = Math.min(MOST, pages * PAGE - nodes.length);
        const { events }: Data<"Events"> = await graph(EVENTS, { ...variables(filters), first, after }, signal);
        nodes.push(...events.nodes);
        after = events.pageInfo.endCursor;
        hasMore = events.pageInfo.hasNextPage;
      }
      return { nodes, hasMore };
    },
    [key, pages],
  );
  useEffect(() => {
    return follow(
      CHANGES,
      {},
      ({ events: { change, event } }) => {
        if (change === "UPDATED" && event) {
          request.change((known) => ({ ...known, nodes: known.nodes.map((one) => (one.rowId === event.rowId ? event : one)) }));
        }
        // An update is asked about too: the event may match the filters since, or no more.
        request.reloadSoon();
      },
      () => request.reload(),
      request.reload,
    );
  }, []);
  const shown = request.data?.nodes.filter((event) => !filters.isOpenOnly || !event.acknowledged);
  return { ...request, shown, more: () => setPages((before) => before + 1) };
}
