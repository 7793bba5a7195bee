// Widgets that show what is now: values, gauges, tables, events, texts and buttons that write.

import { useState } from "preact/hooks";
import { checkErrors, graph } from "../api/graph.ts";
import { BASE } from "../api/root.ts";
import { rows } from "../api/rows.ts";
import { panel } from "../shell/panel.ts";
import { may } from "../shell/session.ts";
import { useAction, useRequest } from "../ui/request.ts";
import { formatGlance, formatNumber, shortTime } from "../ui/format.ts";
import { Modal } from "../ui/Modal.tsx";
import { Age, ErrorBox, LevelSign, QualitySign } from "../ui/parts.tsx";
import { apart, bandPath, bounds, linePath } from "./paint.ts";
import { EVENTS, WRITE } from "./queries.ts";
import { type BoardStream, type Sparks, type Value, valueText } from "./types.ts";
import type { Config } from "./widgets.ts";
import { t } from "./words.ts";

const EVERY = 5000;
/** Rows that a table of a board shows. */
const MOST_ROWS = 100;

interface StreamValue {
  stream: BoardStream;
  value: Value | undefined;
}

const words = ({ stream, value }: StreamValue) => valueText(stream, value, formatGlance, t("noValue"));

/** Width and height of a small line, which its place stretches. */
const [WIDTH, HEIGHT] = [300, 40];

/** Draws the course of the value over the range of the board, and says between which values. It tells nothing that the trend does not say. */
function Spark({ stream, sparks }: { stream: BoardStream; sparks: Sparks }) {
  const buckets = sparks.of.get(stream.rowId) ?? [];
  if (buckets.length === 0) return null;
  const { from, to, step } = sparks;
  const [low, high] = bounds(buckets);
  const longest = apart(step, stream.pollInterval ?? stream.device?.pollInterval ?? null, stream.deadband);
  const box = { from, to, step, low, high, longest, width: WIDTH, height: HEIGHT };
  const line = linePath(buckets, box);
  // Readings that stand alone are no line.
  if (!line.includes("L")) return null;
  const least = Math.min(...buckets.map((bucket) => bucket.least));
  const most = Math.max(...buckets.map((bucket) => bucket.most));
  return (
    <>
      <svg class="value-spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path class="band" d={bandPath(buckets, box)} />
        <path class="line" d={line} vector-effect="non-scaling-stroke" />
      </svg>
      {most > least && <span class="small muted">{t("from", { low: formatGlance(least), high: formatGlance(most) })}</span>}
    </>
  );
}

/** A value with its unit in a smaller letter, as it is read from afar. */
function LargeValue({ stream, value }: StreamValue) {
  const text = words({ stream, value });
  const unit = stream.unit && text.endsWith(` ${stream.unit}`) ? stream.unit : "";
  return (
    <span class="big">
      {unit ? text.slice(0, -unit.length) : text}
      {unit && <span class="unit">{unit}</span>}
    </span>
  );
}

export function ValueView({ sparks, ...one }: StreamValue & { sparks?: Sparks | undefined }) {
  return (
    <div class="value-view">
      <LargeValue {...one} />
      {one.value && (
        <span class="small muted">
          {one.value.quality !== "good" && <QualitySign quality={one.value.quality} />} <Age of={one.value.ts} />
        </span>
      )}
      {sparks && <Spark stream={one.stream} sparks={sparks} />}
    </div>
  );
}

/** Length of the half circle of a gauge whose radius is 80. */
const ARC = Math.PI * 80;

export function GaugeView({ config, ...one }: StreamValue & { config: Config }) {
  const [least, most] = [config.least ?? 0, config.most ?? 100];
  const number = one.value?.quality === "bad" ? null : (one.value?.value ?? null);
  const share = number === null ? 0 : Math.min(Math.max((number - least) / (most - least || 1), 0), 1);
  return (
    <div class="gauge">
      <svg viewBox="0 0 200 110" role="img" aria-label={`${words(one)}, ${t("from", { low: formatNumber(least), high: formatNumber(most) })}`}>
        <path class="gauge-back" d="M20 100A80 80 0 0 1 180 100" />
        <path class="gauge-fill" d="M20 100A80 80 0 0 1 180 100" stroke-dasharray={`${share * ARC} ${ARC}`} />
        <text x="100" y="92" text-anchor="middle">
          {words(one)}
        </text>
      </svg>
      <div class="ends small muted">
        <span>{formatNumber(least)}</span>
        <span>{formatNumber(most)}</span>
      </div>
    </div>
  );
}

export function TableView({ query }: { query: string }) {
  const { data, error, reload } = useRequest((signal) => rows<Record<string, unknown>>(query, {}, signal), [query], EVERY);
  const columns = Object.keys(data?.[0] ?? {});
  return (
    <>
      <ErrorBox error={error} again={reload} />
      {data?.length === 0 && <p class="muted">{t("noValue")}</p>}
      {data && data.length > 0 && (
        <table class="small">
          <thead>
            <tr>
              {columns.map((name) => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {data.slice(0, MOST_ROWS).map((row, index) => (
              <tr key={index}>
                {columns.map((name) => (
                  <td key={name} class={typeof row[name] === "number" ? "number" : ""}>
                    {typeof row[name] === "number" ? formatNumber(row[name]) : String(row[name] ?? "–")}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

export function EventsView() {
  const { data, error, reload } = useRequest(async (signal) => (await graph(EVENTS, {}, signal)).events.nodes, [], EVERY);
  return (
    <>
      <ErrorBox error={error} again={reload} />
      {data?.length === 0 && <p class="muted">{t("noValue")}</p>}
      <ul class="widget-events">
        {data?.map((event) => (
          <li key={event.rowId}>
            <span class="small muted">{shortTime(Date.parse(event.ts), Date.now())}</span> <LevelSign level={event.level} />{" "}
            {panel.value === "none" ? <a href={`${BASE}/events/${event.rowId}`}>{event.message || event.kind}</a> : event.message || event.kind}{" "}
            {event.acknowledged && <span class="muted small">✓</span>}
          </li>
        ))}
      </ul>
    </>
  );
}

/** Writes a value to a register after showing what is there now. It is never repeated by itself. */
export function WriteView({ config, ...one }: StreamValue & { config: Config }) {
  const [isAsking, setAsking] = useState(false);
  const [isDone, setDone] = useState(false);
  const { run, error, isRunning } = useAction();
  const { stream } = one;
  const value = config.value ?? 0;
  const shown = `${formatNumber(value)}${stream.unit ? ` ${stream.unit}` : ""}`;
  const work = async () => {
    const input = { device: String(stream.device?.rowId), register: stream.path, type: stream.type, value };
    const { writeRegister } = await graph(WRITE, { input });
    checkErrors(writeRegister.errors);
    setAsking(false);
    setDone(true);
  };
  if (stream.accessMode !== "rw" || !may("device:write")) return <ValueView {...one} />;
  return (
    <div class="value-view">
      <span>{words(one)}</span>
      <button type="button" onClick={() => setAsking(true)}>
        {t("write", { value: shown })}
      </button>
      <span role="status" class="small">
        {isDone && t("written")}
      </span>
      {isAsking && (
        <Modal title={t("write", { value: shown })} close={() => setAsking(false)}>
          <p>{t("writeAsk", { name: stream.name, before: words(one), value: shown })}</p>
          <ErrorBox error={error} />
          <div class="links">
            <button type="button" class="danger" disabled={isRunning} onClick={() => run(work)}>
              {t("write", { value: shown })}
            </button>
            <button type="button" onClick={() => setAsking(false)}>
              {t("cancel")}
            </button>
          </div>
        </Modal>
      )}
    </div>
  );
}
