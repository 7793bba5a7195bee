// The trend explorer: streams over time at every level of detail. The address holds everything that is seen.

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { graphText } from "../../api/graph.ts";
import { type Event, isNumeric, type Stream } from "../../api/types.ts";
import { AXIS, RIGHT } from "../../chart/Chart.tsx";
import { type Range, zoomed } from "../../chart/levels.ts";
import { seriesStyle } from "../../chart/palette.ts";
import { isLive, parseRange, type RangeText, rangeText } from "../../chart/range.ts";
import { isSteppedByNature, type Series } from "../../chart/series.ts";
import { address, goBack, navigate } from "../../shell/router.ts";
import { may } from "../../shell/session.ts";
import { isDark } from "../../shell/theme.ts";
import { useRequest } from "../../ui/request.ts";
import { now } from "../../ui/clock.ts";
import { dateTime, zoneName } from "../../ui/format.ts";
import { Menu } from "../../ui/Menu.tsx";
import { PageHead } from "../../ui/PageHead.tsx";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { isPhone } from "../../ui/phone.ts";
import { t } from "./words.ts";
import { Charts, type ChartHandlers } from "./Charts.tsx";
import { MOST_EVENTS, TrendModel } from "./model.ts";
import { Overview } from "./Overview.tsx";
import { Picker } from "./Picker.tsx";
import { streamsQuery } from "./queries.ts";
import { RangeBar } from "./RangeBar.tsx";
import { DEFAULT_RANGE, MOST_STREAMS, parseState, stateText, type TrendState } from "./state.ts";
import { Statistics } from "./Statistics.tsx";

/** Events are asked for again after so many milliseconds, while the range goes on. */
const EVENTS_AGAIN = 10_000;

function rangeOf(state: TrendState): Range {
  const present = Date.now();
  const standard = { from: present - 3_600_000, to: present };
  return parseRange(state.range, present) ?? parseRange(DEFAULT_RANGE, present) ?? standard;
}

/** Whether a range reaches the present, as far as can be seen. */
function endsNow({ from, to }: Range): boolean {
  return to >= Date.now() - Math.max(1500, (to - from) / 50);
}

/** A range of the same length that goes on. */
function liveRange({ from, to }: Range): RangeText {
  return { from: `now-${Math.max(1, Math.round((to - from) / 1000))}s`, to: "now" };
}

/** The streams of the address that the reader may see, in its order. */
function useSeries(state: TrendState) {
  const ids = state.streams.map(({ id }) => id);
  const request = useRequest(
    async (signal) => {
      if (ids.length === 0) return [];
      const found = await graphText<Record<string, Stream | null>>(streamsQuery(ids), {}, signal);
      return ids.map((id) => found[`s${id}`] ?? null);
    },
    [ids.join()],
  );
  const dark = isDark.value;
  const drawn = state.streams.map(({ id, drawn }) => `${id}${drawn}`).join();
  const series = useMemo(() => {
    const known = request.data ?? [];
    return state.streams.flatMap(({ id, drawn: how }, index): Series[] => {
      const stream = known.find((one) => one?.rowId === id);
      if (!stream || !isNumeric(stream.type)) return [];
      const isStepped = how === "step" || (how === "auto" && isSteppedByNature(stream));
      return [{ stream, style: seriesStyle(index, dark), isStepped, isBefore: false }];
    });
  }, [request.data, drawn, dark]);
  return { ...request, series };
}

function CompareChoice({ compare, choose }: { compare: string; choose: (compare: string) => void }) {
  const common: [string, string][] = [["", t("compareNone")], ["-1d", t("dayBefore")], ["-7d", t("weekBefore")], ["-28d", t("weeksBefore")]];
  const all = common.some(([value]) => value === compare) ? common : [...common, [compare, compare] as [string, string]];
  return (
    <label>
      {t("compare")}{" "}
      <select value={compare} onChange={(event) => choose(event.currentTarget.value)}>
        {all.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The range of an address is set by a gesture, by going back, and by time; what is written is followed. */
function useModel(state: TrendState, series: Series[]): TrendModel {
  const [model] = useState(() => new TrendModel(rangeOf(state)));
  const wanted = state.streams.map(({ id }) => id);
  const ids = series.map(({ stream }) => stream.rowId);
  const present = isLive(state.range) ? now.value : 0;
  useEffect(() => {
    // What goes on must not pull the view out of a hand.
    if (!model.isHeld) model.show(rangeOf(state));
  }, [state.range.from, state.range.to, present]);
  // Readings are asked for beside the names of their streams, not after them.
  useEffect(() => model.setStreams(wanted), [wanted.join()]);
  useEffect(() => {
    const holding = series.filter(({ stream }) => stream.deadband !== null);
    model.setHolding(holding.map(({ stream }) => stream.rowId));
    return model.followWritten(ids);
  }, [ids.join()]);
  useEffect(() => model.setCompare(state.compare), [state.compare]);
  const settled = `${state.range.from}/${state.range.to}/${Math.floor(present / EVENTS_AGAIN)}/${ids.join()}/${state.hasEvents}`;
  useEffect(() => {
    const devices = series.map(({ stream }) => stream.device?.rowId);
    const concerns = ({ kind, stream, device }: Event) =>
      kind === "anomaly" || (stream !== null && ids.includes(stream.rowId)) || (device !== null && devices.includes(device.rowId));
    model.loadEvents(state.hasEvents && may("event-log:read") && ids.length > 0, concerns);
  }, [settled]);
  useEffect(() => () => model.stop(), []);
  return model;
}

/** Tells the model how wide the plot area is. */
function useWidth(model: TrendModel) {
  const place = useRef<HTMLDivElement>(null);
  // Before the streams are set: what is asked for depends on it.
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const measure = () => model.setWidth(Math.max(100, element.clientWidth - AXIS - RIGHT));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return place;
}

/** Keeps the keyboard: when the chart takes the place of its table, or the table that of the chart, it takes the focus over. */
function useKeyboardKept(place: RefObject<HTMLDivElement | null>, isTable: boolean): void {
  const before = useRef(isTable);
  useLayoutEffect(() => {
    const isLost = document.activeElement === null || document.activeElement === document.body;
    if (before.current !== isTable && isLost) place.current?.querySelector<HTMLElement>("[tabindex]")?.focus();
    before.current = isTable;
  }, [isTable]);
}

type StateChange = (changes: Partial<TrendState>, replace?: boolean) => void;

/** Handlers for all that can be done to the view. */
function handlersOf(model: TrendModel, state: TrendState, go: StateChange): ChartHandlers {
  const goesOn = isLive(state.range);
  const show = (range: Range, isFinal: boolean) => {
    model.isHeld = !isFinal;
    model.show(range);
    if (isFinal) go({ range: goesOn && endsNow(range) ? liveRange(range) : rangeText(range) });
  };
  const move = (share: number) => {
    const { from, to } = model.range.peek();
    show({ from: from + (to - from) * share, to: to + (to - from) * share }, true);
  };
  const zoom = (factor: number) => {
    const { from, to } = model.range.peek();
    show(zoomed({ from, to }, factor, goesOn ? to : (from + to) / 2), true);
  };
  return {
    show,
    move,
    zoom,
    back: goBack,
    toggleTable: () => go({ isTable: !state.isTable }, true),
    live: () => go({ range: liveRange(model.range.peek()) }),
    anchor: () => (goesOn ? model.range.peek().to : undefined),
  };
}

/** How the charts are drawn. */
function Options({ state, go }: { state: TrendState; go: StateChange }) {
  const table = (
    <button type="button" onClick={() => go({ isTable: !state.isTable }, true)}>
      {t(state.isTable ? "asChart" : "asTable")}
    </button>
  );
  return (
    <>
      {!isPhone.value && table}
      <Menu label={t(state.compare ? "viewCompared" : "view", { with: state.compare })} name="view-menu" closesWith="">
        {may("event-log:read") && (
          <label>
            {t("showEvents")} <input type="checkbox" checked={state.hasEvents} onChange={() => go({ hasEvents: !state.hasEvents }, true)} />
          </label>
        )}
        <CompareChoice compare={state.compare} choose={(compare) => go({ compare }, true)} />
        {isPhone.value && table}
      </Menu>
    </>
  );
}

interface TrendViewProps {
  model: TrendModel;
  state: TrendState;
  series: Series[];
  handlers: ChartHandlers;
  remove: (stream: number) => void;
}

function TrendView({ model, state, series, handlers, remove }: TrendViewProps) {
  const place = useRef<HTMLDivElement>(null);
  useKeyboardKept(place, state.isTable);
  const ids = series.map(({ stream }) => stream.rowId);
  return (
    <>
      {model.hasMoreEvents.value && <p class="muted small">{t("moreEvents", { n: MOST_EVENTS })}</p>}
      <div ref={place}>
        <Charts model={model} series={series} bounds={state.bounds} isTable={state.isTable} compare={state.compare} handlers={handlers} />
      </div>
      {model.hasPicture.value && (
        <>
          <Overview model={model} streams={ids} handlers={handlers} />
          <Statistics
            series={series}
            range={model.range}
            version={model.version}
            shift={state.compare ? model.shift : undefined}
            isLive={isLive(state.range)}
            step={() => (model.isRaw(ids) ? undefined : model.step)}
            remove={remove}
            picture={state.isTable ? undefined : () => wordsOf(model, series)}
          />
        </>
      )}
    </>
  );
}

/** Words on a picture: the streams and their devices, the range and its zone. */
function wordsOf(model: TrendModel, series: Series[]) {
  const { from, to } = model.range.peek();
  const whole = (time: number) => dateTime(Math.floor(time / 1000) * 1000);
  const title = series.map(({ stream }) => [stream.device?.name, stream.name].filter(Boolean).join(" ")).join(", ");
  return { title, below: `${whole(from)} – ${whole(to)} ${zoneName()}` };
}

export default function Trend() {
  const state = parseState(address.value.query);
  const { series, error, reload, data } = useSeries(state);
  const model = useModel(state, series);
  const place = useWidth(model);
  const go: StateChange = (changes, replace = false) => navigate(`/trend?${stateText({ ...state, ...changes })}`, replace);
  const handlers = handlersOf(model, state, go);
  const ids = state.streams.map(({ id }) => id);
  // A list that is there stays when the first stream is chosen.
  const [hadStreams] = useState(ids.length > 0);
  const toggle = (id: number) => {
    const rest = state.streams.filter((stream) => stream.id !== id);
    go({ streams: rest.length < ids.length ? rest : [...rest, { id, drawn: "auto" }] });
  };
  // While another choice is asked for, the answer is still that of the one before.
  const missing = data !== undefined && data.length === ids.length ? ids.length - series.length : 0;
  const isEmpty = series.length === 0 && (data !== undefined || ids.length === 0);
  return (
    <div class="page trend">
      <Busy isBusy={model.isBusy.value} />
      <PageHead title={t("trend")}>
        <RangeBar text={state.range} range={model.range} choose={(range) => go({ range })} move={handlers.move} zoom={handlers.zoom} />
        {series.length > 0 && <Options state={state} go={go} />}
      </PageHead>
      <div class="trend-columns">
        <Picker chosen={ids} toggle={toggle} isFull={ids.length >= MOST_STREAMS} isWaiting={hadStreams && !model.hasPicture.value} />
        <div class="trend-main" ref={place}>
          <ErrorBox error={error ?? model.error.value} again={error ? reload : () => model.load()} />
          {missing > 0 && <p class="muted">{t("notShown", { n: missing })}</p>}
          {isEmpty && <Empty title={t("pickNote")} />}
          {series.length > 0 && <TrendView model={model} state={state} series={series} handlers={handlers} remove={toggle} />}
        </div>
      </div>
    </div>
  );
}
