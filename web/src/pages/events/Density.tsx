// A strip of how many events there were, each part a way to see them.

import { rows } from "../../api/rows.ts";
import { parseTime } from "../../chart/range.ts";
import { changeQuery } from "../../shell/router.ts";
import { useRequest } from "../../ui/request.ts";
import { dateTime, formatCount } from "../../ui/format.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import { type LevelCount, type Part, partsOf, stepOf } from "./density.ts";
import type { Filters } from "./list.ts";
import { DENSITY } from "./queries.ts";
import { t } from "./words.ts";

const WEEK = 7 * 86_400_000;
const EVERY = 60_000;

interface Strip {
  from: number;
  to: number;
  parts: Part[];
}

async function load(filters: Filters, signal: AbortSignal): Promise<Strip> {
  const now = Date.now();
  const to = (filters.to && parseTime(filters.to, now)) || now;
  const from = Math.min((filters.from && parseTime(filters.from, now)) || to - WEEK, to - 60_000);
  const step = stepOf(from, to);
  const params = { step: `${step} seconds`, from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  return { from, to, parts: partsOf(await rows<LevelCount>(DENSITY, params, signal), step) };
}

function show({ from, to }: Part): void {
  changeQuery({ from: new Date(from).toISOString(), to: new Date(to).toISOString() }, false);
}

/** Height of the bar of a part, per cent: even a single event is seen. */
const height = (count: number, most: number) => 15 + (85 * count) / most;

export function Density({ filters }: { filters: Filters }) {
  const { data, error, reload } = useRequest((signal) => load(filters, signal), [filters.from, filters.to], EVERY);
  if (error) return <ErrorBox error={error} again={reload} />;
  if (!data || data.parts.length === 0) return null;
  const most = Math.max(...data.parts.map(({ count }) => count));
  const total = data.parts.reduce((sum, { count }) => sum + count, 0);
  const share = (time: number) => (100 * (Math.min(Math.max(time, data.from), data.to) - data.from)) / (data.to - data.from);
  return (
    <div class="density-strip">
      <div class="density" role="group" aria-label={t("density", { n: formatCount(total) })}>
        {data.parts.map((part) => {
          const words = t("densityPart", { from: dateTime(part.from), to: dateTime(part.to), n: formatCount(part.count) });
          return (
            <button
              type="button"
              key={part.from}
              class={`part level-${part.level}`}
              style={{ left: `${share(part.from)}%`, width: `${Math.max(0.4, share(part.to) - share(part.from))}%` }}
              aria-label={words}
              title={words}
              onClick={() => show(part)}
            >
              <span style={{ height: `${height(part.count, most)}%` }} />
            </button>
          );
        })}
      </div>
      <div class="ends small muted">
        <span>{dateTime(Math.floor(data.from / 1000) * 1000)}</span>
        <span>{dateTime(Math.floor(data.to / 1000) * 1000)}</span>
      </div>
    </div>
  );
}
