// One widget: its title, and what it shows.

import { Lines, States } from "./Charts.tsx";
import type { BoardStream, BoardData } from "./types.ts";
import { EventsView, GaugeView, TableView, ValueView, WriteView } from "./Views.tsx";
import { type Kind, kindOf, type Widget } from "./widgets.ts";
import { t } from "./words.ts";

const KIND_WORDS = {
  value: "kindValue",
  gauge: "kindGauge",
  line: "kindLine",
  states: "kindStates",
  table: "kindTable",
  events: "kindEvents",
  text: "kindText",
  write: "kindWrite",
} as const;

export function kindName(kind: Kind): string {
  return t(KIND_WORDS[kind]);
}

function streamsOf(widget: Widget, shared: BoardData): BoardStream[] {
  return (widget.config.sensorIds ?? []).flatMap((uuid) => shared.streams.get(uuid) ?? []);
}

/** Name of a widget: its title, else the names of its streams, else its kind. */
export function nameOf(widget: Widget, shared: BoardData): string {
  const kind = kindOf(widget);
  const names = streamsOf(widget, shared).map(({ name }) => name);
  return widget.config.title || names.join(", ") || (kind ? kindName(kind) : widget.type);
}

/** Streams of one unit share an axis, others have one of their own below. */
function ByUnit({ streams, length }: { streams: BoardStream[]; length: number }) {
  const units = [...new Set(streams.map(({ unit }) => unit))];
  return (
    <div class="by-unit">
      {units.map((unit) => (
        <Lines key={unit} streams={streams.filter((stream) => stream.unit === unit)} length={length} />
      ))}
    </div>
  );
}

function Content({ widget, kind, streams, shared }: { widget: Widget; kind: Kind; streams: BoardStream[]; shared: BoardData }) {
  const { config } = widget;
  const stream = streams[0];
  if (kind === "text") return <p class="widget-text">{config.text || t("nothingChosen")}</p>;
  if (kind === "events") return <EventsView />;
  if (kind === "table") return config.query ? <TableView query={config.query} /> : <p class="muted">{t("nothingChosen")}</p>;
  if (!stream) return <p class="muted">{config.sensorIds?.length ? t("streamGone") : t("nothingChosen")}</p>;
  const one = { stream, value: shared.values.get(stream.rowId) };
  if (kind === "line") return <ByUnit streams={streams} length={shared.length} />;
  if (kind === "states") return <States stream={stream} length={shared.length} />;
  if (kind === "gauge") return <GaugeView {...one} config={config} />;
  if (kind === "write") return <WriteView {...one} config={config} />;
  return <ValueView {...one} sparks={shared.sparks} />;
}

export function WidgetView({ widget, shared }: { widget: Widget; shared: BoardData }) {
  const kind = kindOf(widget);
  const isBare = kind === "text" && !widget.config.title;
  const streams = streamsOf(widget, shared);
  // What may be longer than its place is scrolled, also by the keyboard: lines of several units have a chart for each.
  const isLong = kind === "table" || kind === "events" || kind === "text" || (kind === "line" && new Set(streams.map(({ unit }) => unit)).size > 1);
  return (
    <>
      {!isBare && <h2>{nameOf(widget, shared)}</h2>}
      <div class={`widget-body kind-${kind ?? "none"}`} {...(isLong ? { tabIndex: 0, role: "region", "aria-label": nameOf(widget, shared) } : {})}>
        {kind ? <Content widget={widget} kind={kind} streams={streams} shared={shared} /> : <p class="muted">{t("cannotDraw", { type: widget.type })}</p>}
      </div>
    </>
  );
}
