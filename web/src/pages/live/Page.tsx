// Live: every stream with its newest value; those in view are followed.

import type { Data } from "../../api/graph.ts";
import { signal } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { follow } from "../../api/live.ts";
import { rows } from "../../api/rows.ts";
import { isNumeric } from "../../api/types.ts";
import { address, changeQuery } from "../../shell/router.ts";
import { useRequest } from "../../ui/request.ts";
import { now } from "../../ui/clock.ts";
import { Fold, NoMatch } from "../../ui/Filters.tsx";
import { formatCount, formatNumber } from "../../ui/format.ts";
import { PageHead } from "../../ui/PageHead.tsx";
import { Age, Busy, Empty, ErrorBox, QualitySign } from "../../ui/parts.tsx";
import { isPhone } from "../../ui/phone.ts";
import { VirtualTable } from "../../ui/rows.tsx";
import { may } from "../../shell/session.ts";
import { STREAMS, VALUES } from "./queries.ts";
import { SetValue } from "./SetValue.tsx";
import { Spark, type Sparks, useSparks } from "./Spark.tsx";
import { isSettable } from "./target.ts";
import { type Branch, isStale, type LiveFilter, type LiveStream, matches, treeOf } from "./tree.ts";
import { t } from "./words.ts";

type Reading = Data<"LiveValues">["values"]["readings"][number];

/** Heights of a row, with one line and with two; CSS pixels. */
const HEIGHT = 28;
const PHONE_HEIGHT = 64;
/** Streams that are not in view are read anew so often, milliseconds. */
const REPEAT = 60_000;

function filterOf(query: URLSearchParams): LiveFilter {
  const device = Number(query.get("device"));
  return { device: device > 0 ? device : undefined, group: query.get("group") ?? "", text: query.get("q") ?? "" };
}

function Tree({ tree, filter, total }: { tree: Branch[]; filter: LiveFilter; total: number }) {
  const link = (device: number | null, group: string | null) => {
    const query = new URLSearchParams();
    if (device !== null) query.set("device", String(device));
    if (group !== null) query.set("group", group);
    if (filter.text) query.set("q", filter.text);
    return `${BASE}/live?${query}`;
  };
  return (
    <nav class="tree" aria-label={t("tree")}>
      <ul>
        <li>
          <a href={link(null, null)} aria-current={filter.device === undefined ? "true" : undefined}>
            {t("allDevices")} <span class="muted">{formatCount(total)}</span>
          </a>
        </li>
        {tree.map(({ id, name, count, groups }) => (
          <li key={id}>
            <a href={link(id, null)} aria-current={filter.device === id && !filter.group ? "true" : undefined}>
              {name} <span class="muted">{formatCount(count)}</span>
            </a>
            {filter.device === id && groups.length > 0 && (
              <ul>
                {groups.map(([group, size]) => (
                  <li key={group}>
                    <a href={link(id, group)} aria-current={filter.group === group ? "true" : undefined}>
                      {group} <span class="muted">{formatCount(size)}</span>
                    </a>
                  </li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** The newest reading of a stream: what was told since, else what was asked for. */
function newest(stream: LiveStream, told: Map<number, Reading>): LiveStream {
  const reading = told.get(stream.id);
  const isNewer = reading && (stream.ts === null || Date.parse(reading.ts) >= Date.parse(stream.ts));
  return isNewer ? { ...stream, ts: reading.ts, value: reading.value, text: reading.text, quality: reading.quality } : stream;
}

interface RowProps {
  stream: LiveStream;
  sparks: Sparks | undefined;
  set: (stream: LiveStream) => void;
}

const shownValue = ({ value, text }: LiveStream) => (value === null ? (text ?? "–") : formatNumber(value));

function State({ stream, isOld }: { stream: LiveStream; isOld: boolean }) {
  return (
    <>
      {stream.quality !== null && stream.quality !== "good" && <QualitySign quality={stream.quality} />}{" "}
      {isOld && <span class="muted">{t("qualityStale")}</span>}
    </>
  );
}

function SetButton({ stream, set }: Omit<RowProps, "sparks">) {
  if (!isSettable(stream) || !may("device:write")) return null;
  return (
    <button type="button" class="plain" aria-label={t("setOf", { name: stream.name })} onClick={() => set(stream)}>
      {t("set")}
    </button>
  );
}

function Row({ stream, sparks, set }: RowProps) {
  const shown = shownValue(stream);
  const isOld = isStale(stream, now.value);
  return (
    <tr class={isOld ? "stale" : undefined}>
      <th scope="row">
        <a href={`${BASE}/streams/${stream.id}`}>{stream.name}</a>
      </th>
      <td class="muted">{stream.device}</td>
      <td class="number value" title={shown}>{shown}</td>
      <td>{stream.unit}</td>
      <td>
        <State stream={stream} isOld={isOld} />
      </td>
      <td class="number">
        <Age of={stream.ts} />
      </td>
      <td>
        {isNumeric(stream.type) && (
          <a href={`${BASE}/trend?s=${stream.id}`} aria-label={t("trendOf", { name: stream.name })}>
            <Spark points={sparks?.points.get(stream.id)} to={sparks?.to ?? 0} />
            {(sparks?.points.get(stream.id)?.length ?? 0) < 2 && t("trend")}
          </a>
        )}
      </td>
      <td>
        <SetButton stream={stream} set={set} />
      </td>
    </tr>
  );
}

/** Three columns, which a phone shows without scrolling sideways. A name has two lines, because names of streams differ at their ends. */
function PhoneRow({ stream, set }: RowProps) {
  const shown = shownValue(stream);
  const isOld = isStale(stream, now.value);
  return (
    <tr class={isOld ? "stale" : undefined}>
      <th scope="row">
        <a class="whole-name" href={`${BASE}/streams/${stream.id}`} title={stream.name}>{stream.name}</a>
        <span class="second small muted">
          <Age of={stream.ts} /> <State stream={stream} isOld={isOld} /> {stream.device}
        </span>
      </th>
      <td class="number value" title={shown}>
        {shown}
        <span class="second small muted">{stream.unit}</span>
      </td>
      <td>
        <SetButton stream={stream} set={set} />
      </td>
    </tr>
  );
}

type Column = { word: Parameters<typeof t>[0]; name?: string };
const COLUMNS: Column[] = [
  { word: "stream" },
  { word: "device" },
  { word: "value", name: "number" },
  { word: "unit" },
  { word: "quality" },
  { word: "age", name: "number" },
  { word: "lastMinutes" },
];
const PHONE_COLUMNS: Column[] = [{ word: "stream" }, { word: "value", name: "number" }];

function Head({ columns }: { columns: Column[] }) {
  return (
    <tr>
      {columns.map(({ word, name }) => (
        <th scope="col" key={word} class={name}>
          {t(word)}
        </th>
      ))}
      <td />
    </tr>
  );
}

function Values({ streams }: { streams: LiveStream[] }) {
  const [told] = useState(() => signal(new Map<number, Reading>()));
  const [seen, setSeen] = useState("");
  /** Streams in view once scrolling has ended. */
  const [rested, setRested] = useState("");
  const [setting, setSetting] = useState<LiveStream>();
  useEffect(() => {
    if (seen === "") return undefined;
    let stop = () => {};
    // Scrolling passes many rows; only those that stay are followed.
    const timer = setTimeout(() => {
      setRested(seen);
      stop = follow(
        VALUES,
        { streams: seen.split(",") },
        ({ values }) => {
          if (values.readings.length === 0) return;
          const next = new Map(told.peek());
          for (const reading of values.readings) next.set(reading.streamRowId, reading);
          told.value = next;
        },
        () => {},
      );
    }, 200);
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [seen]);
  const known = told.value;
  const sparks = useSparks(rested === "" ? [] : rested.split(",").map(Number));
  const [columns, LiveRow, height] = isPhone.value ? [PHONE_COLUMNS, PhoneRow, PHONE_HEIGHT] : [COLUMNS, Row, HEIGHT];
  return (
    <>
      <VirtualTable
        rows={streams}
        height={height}
        head={<Head columns={columns} />}
        columns={columns.length + 1}
        label={t("live")}
        seen={(rows) => setSeen(rows.map(({ id }) => id).join(","))}
        row={(stream) => <LiveRow key={stream.id} stream={newest(stream, known)} sparks={sparks} set={setSetting} />}
      />
      {setting && <SetValue key={setting.id} stream={setting} close={() => setSetting(undefined)} />}
    </>
  );
}

export default function Live() {
  const filter = filterOf(address.value.query);
  const { data, error, isBusy, reload } = useRequest((signal) => rows<LiveStream>(STREAMS, {}, signal), [], REPEAT);
  const tree = useMemo(() => treeOf(data ?? []), [data]);
  const { device, group, text } = filter;
  const shown = useMemo(() => (data ?? []).filter((stream) => matches(stream, { device, group, text })), [data, device, group, text]);
  const next = may("device:write") && (
    <a class="button primary" href={`${BASE}/devices/new`}>
      {t("newDevice")}
    </a>
  );
  const places = <Tree tree={tree} filter={filter} total={data?.length ?? 0} />;
  /** Device and group of the streams that are shown, in words. */
  const whole = [tree.find(({ id }) => id === device)?.name ?? t("allDevices"), group].filter(Boolean).join(" › ");
  return (
    <div class="page live two-lines">
      <Busy isBusy={isBusy} />
      <PageHead title={t("live")} count={data?.length}>
        {data && data.length > 0 && (
          <>
            <span class="muted small">{shown.length < data.length && t("shownOf", { shown: formatCount(shown.length), total: formatCount(data.length) })}</span>
            <input
              type="search"
              aria-label={t("find")}
              placeholder={t("find")}
              value={text}
              onInput={(event) => changeQuery({ q: event.currentTarget.value || null })}
            />
          </>
        )}
      </PageHead>
      <ErrorBox error={error} again={reload} />
      {data?.length === 0 && <Empty title={t("liveNone")} note={t("liveNoneNote")}>{next}</Empty>}
      {data && data.length > 0 && (
        <div class="live-columns">
          {isPhone.value ? <Fold title={whole}>{places}</Fold> : places}
          <div class="live-main">
            <Values streams={shown} />
            {shown.length === 0 && <NoMatch clear={() => changeQuery({ q: null, device: null, group: null })} />}
          </div>
        </div>
      )}
    </div>
  );
}
