// The charts of a trend, one for each unit, over one range and under one cursor; keys for those without a mouse.

import { useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Chart } from "../../chart/Chart.tsx";
import type { Range } from "../../chart/levels.ts";
import { groupByUnit, type Series, withBefore } from "../../chart/series.ts";
import { isDark } from "../../shell/theme.ts";
import { duration } from "../../ui/format.ts";
import { t } from "./words.ts";
import { DataTable } from "./DataTable.tsx";
import { Lanes } from "./Lane.tsx";
import type { TrendModel } from "./model.ts";
import { Chips, Readout } from "./Readout.tsx";

export interface ChartHandlers {
  show: (range: Range, isFinal: boolean) => void;
  move: (share: number) => void;
  zoom: (factor: number) => void;
  back: () => void;
  live: () => void;
  toggleTable: () => void;
  /** The time that zooming leaves where it is; undefined for the one under the pointer. */
  anchor: () => number | undefined;
}

interface Props {
  model: TrendModel;
  series: Series[];
  bounds: [number, number] | undefined;
  isTable: boolean;
  /** The time before that is drawn too, such as `-7d`; empty for none. */
  compare: string;
  handlers: ChartHandlers;
}

/** Heights of charts, CSS pixels: of one alone, of one among others, of a state. */
const ALONE = 380;
const AMONG = 220;
const STATE = 90;

function moveCursor(model: TrendModel, direction: number): void {
  const { from, to } = model.range.peek();
  const time = (model.cursor.peek() ?? (from + to) / 2) + direction * Math.max(model.step, (to - from) / 200);
  model.cursor.value = Math.min(to, Math.max(from, time));
}

const hasModifier = (event: KeyboardEvent) => event.ctrlKey || event.metaKey || event.altKey;
const isTableKey = (event: KeyboardEvent) => event.key.toLowerCase() === "t" && !hasModifier(event);

function onKey(event: KeyboardEvent, model: TrendModel, handlers: ChartHandlers): void {
  const direction = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
  if (hasModifier(event)) return;
  if (direction && event.shiftKey) handlers.move(direction * 0.25);
  else if (direction) moveCursor(model, direction);
  else if (event.key === "+") handlers.zoom(0.5);
  else if (event.key === "-") handlers.zoom(2);
  else if (event.key.toLowerCase() === "l") handlers.live();
  else if (isTableKey(event)) handlers.toggleTable();
  else return;
  event.preventDefault();
}

/** How much is drawn as one: the level of detail in words. */
function LevelWords({ model, series }: { model: TrendModel; series: Series[] }) {
  void [model.version.value, model.width.value];
  const { from, to } = model.range.value;
  let [isRaw, isBucket] = [false, false];
  for (const { stream } of series) {
    const { start, end } = model.marks(stream.rowId, false);
    for (let i = 0; i < start.length; i += 1) {
      if ((start[i] as number) >= to || (end[i] as number) < from) continue;
      if (start[i] === end[i]) isRaw = true;
      else isBucket = true;
    }
  }
  if (!isRaw && !isBucket) return <p class="small muted">{model.isBusy.value ? "" : t("noData")}</p>;
  const step = duration(model.step);
  return <p class="small muted level-words">{isRaw ? (isBucket ? t("drawnMixed", { step }) : t("drawnRaw")) : t("drawnAs", { step })}</p>;
}

export function Charts({ model, series, bounds, isTable, compare, handlers }: Props) {
  const drawnSeries = useMemo(() => (compare ? withBefore(series) : series), [series, compare]);
  const groups = useMemo(() => groupByUnit(drawnSeries), [drawnSeries]);
  // Lanes are drawn anew when their list is another one.
  const ownOf = useMemo(() => new Map(groups.map((group) => [group, group.filter(({ isBefore }) => !isBefore)])), [groups]);
  const drawn = useComputed(() => model.bands.value);
  const names = series.map(({ stream }) => stream.name).join(", ");
  if (isTable) {
    return (
      <div onKeyDown={(event) => isTableKey(event) && handlers.toggleTable()}>
        <DataTable series={series} range={model.range} version={model.version} marks={model.marks} />
      </div>
    );
  }
  return (
    <figure class="charts" tabIndex={0} role="application" aria-label={t("chartOf", { names })} onKeyDown={(event) => onKey(event, model, handlers)}>
      <Chips bands={drawn} range={model.range} />
      {groups.map((group, index) => {
        const isState = group[0]?.stream.type === "bit" || group[0]?.stream.type === "enum";
        const unit = group[0]?.stream.unit ?? "";
        const isLast = index === groups.length - 1;
        const own = ownOf.get(group) ?? group;
        return (
          <div key={own.map(({ stream }) => stream.rowId).join()}>
            <p class="chart-title small">
              {group.map(({ stream, style, isBefore }) => (
                <span key={`${stream.rowId}${isBefore}`} class={isBefore ? "legend muted" : "legend"}>
                  <span class={`swatch dash-${style.dash}`} style={{ color: style.colour }} aria-hidden="true" /> {stream.name}
                  {isBefore && ` ${compare}`}
                </span>
              ))}
              {unit && <span class="muted">[{unit}]</span>}
            </p>
            <Chart
              series={group}
              range={model.range}
              version={model.version}
              cursor={model.cursor}
              bands={drawn}
              marks={model.marks}
              show={handlers.show}
              back={handlers.back}
              anchor={handlers.anchor}
              bounds={bounds}
              height={(isState ? STATE : groups.length === 1 ? ALONE : AMONG) + (isLast ? 36 : 0)}
              hasTimes={isLast}
              isDark={isDark.value}
              label={names}
            />
            <Lanes series={own} range={model.range} version={model.version} marks={model.marks} isDark={isDark.value} />
          </div>
        );
      })}
      <Readout series={drawnSeries} range={model.range} version={model.version} cursor={model.cursor} marks={model.marks} shift={model.shift} />
      <LevelWords model={model} series={series} />
    </figure>
  );
}
