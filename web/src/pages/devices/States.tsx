// The states that a device had: a bar of them, how long each lasted, and what share of the time the device was available.

import { send } from "../../api/http.ts";
import type { DeviceState } from "../../api/types.ts";
import { address, changeQuery } from "../../shell/router.ts";
import { useRequest } from "../../ui/request.ts";
import { dateTime, duration, formatCount, formatNumber } from "../../ui/format.ts";
import { Busy, Empty, ErrorBox, StateSign, stateWord } from "../../ui/parts.tsx";
import { type StateInterval, type KnownState, segmentsOf, SPANS, type Span, type StateHistory, spanOf, sumsOf, twoDecimals } from "./states.ts";
import { t } from "./words.ts";

/** Parts of the bar, each at least a pixel of a screen wide. */
const PARTS = 480;
/** Changes that are listed, the newest first. */
const LISTED = 100;
/** Milliseconds until what no subscription tells of is asked for anew. */
const REPEAT = 60_000;
/** Height of a state in the bar: states differ by more than their colours. */
const HEIGHTS: Record<DeviceState, number> = { offline: 40, degraded: 30, connecting: 22, online: 16, disabled: 6 };

async function load(device: number, span: Span, signal: AbortSignal): Promise<StateHistory> {
  const to = Date.now();
  const query = new URLSearchParams({ from: new Date(to - SPANS[span]).toISOString(), to: new Date(to).toISOString() });
  return (await send(`/api/device/${device}/states/?${query}`, { signal })).json();
}

const whole = (time: number) => Math.floor(time / 1000) * 1000;
const percent = (share: number) => `${formatNumber(twoDecimals(share))} %`;

const wordOf = (state: KnownState) => (state === "unknown" ? t("stateUnknown") : stateWord(state));

/** The sign of a state, and words where nobody looked. */
function KnownStateSign({ state }: { state: KnownState }) {
  return state === "unknown" ? <span class="muted">{t("stateUnknown")}</span> : <StateSign state={state} />;
}

/** The bar, and in words how long each state lasted. */
function Bar({ history }: { history: StateHistory }) {
  const range = { from: Date.parse(history.from), to: Date.parse(history.to) };
  const sums = sumsOf(history.states);
  const known = sums.reduce((sum, [state, length]) => (state === "unknown" ? sum : sum + length), 0);
  const words = sums.map(([state, length]) => `${wordOf(state)} ${duration(length)}`).join(", ");
  const x = (time: number) => ((time - range.from) / (range.to - range.from)) * PARTS;
  return (
    <>
      <svg class="state-bar" viewBox={`0 0 ${PARTS} 40`} preserveAspectRatio="none" role="img" aria-label={t("statesLabel", { words })}>
        {segmentsOf(history.states, range, PARTS).map(({ from, to, state }) => (
          <rect key={from} class={`is-${state}`} x={x(from)} width={x(to) - x(from)} y={40 - HEIGHTS[state]} height={HEIGHTS[state]}>
            <title>{`${stateWord(state)}, ${dateTime(whole(from))} – ${dateTime(whole(to))}`}</title>
          </rect>
        ))}
      </svg>
      <p class="ends small muted">
        <span>{dateTime(whole(range.from))}</span>
        <span>{dateTime(whole(range.to))}</span>
      </p>
      <ul class="inline">
        {sums.map(([state, length]) => (
          <li key={state}>
            {state !== "unknown" && <span class={`state-key is-${state}`} aria-hidden="true" />} <KnownStateSign state={state} /> {duration(length)}{" "}
            {state !== "unknown" && <span class="muted">{percent(length / Math.max(1, known))}</span>}
          </li>
        ))}
      </ul>
    </>
  );
}

function Changes({ states }: { states: StateInterval[] }) {
  return (
    <details>
      <summary>{t("stateChanges")}</summary>
      <div class="table-wrap" tabIndex={0} role="region" aria-label={t("stateChanges")}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("time")}</th>
              <th scope="col">{t("state")}</th>
              <th scope="col" class="number">
                {t("stateLength")}
              </th>
              <th scope="col">{t("error")}</th>
            </tr>
          </thead>
          <tbody>
            {states.slice(-LISTED).reverse().map((held) => (
              <tr key={held.from}>
                <td class="nowrap">{dateTime(whole(Date.parse(held.from)))}</td>
                <td>
                  <KnownStateSign state={held.state} />
                </td>
                <td class="number">{duration(Date.parse(held.to) - Date.parse(held.from))}</td>
                <td class="message">{held.error}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {states.length > LISTED && <p class="small muted">{t("shownOf", { shown: LISTED, total: formatCount(states.length) })}</p>}
    </details>
  );
}

/** `state` is the one that the device has now: another one is another history. */
export function States({ device, state }: { device: number; state: DeviceState }) {
  const span = spanOf(address.value.query.get("states"));
  const { data, error, isBusy, reload } = useRequest((signal) => load(device, span, signal), [device, span, state], REPEAT);
  return (
    <section class="states" aria-labelledby="states">
      <Busy isBusy={isBusy && !data} />
      <h2 id="states">{t("statesHead")}</h2>
      <div class="buttons-row" role="group" aria-label={t("range")}>
        {(Object.keys(SPANS) as Span[]).map((one) => (
          <button key={one} type="button" aria-pressed={one === span} onClick={() => changeQuery({ states: one })}>
            {one}
          </button>
        ))}
      </div>
      <ErrorBox error={error} again={reload} />
      {data?.states.length === 0 && <Empty title={t("statesNone")} note={t("statesNoneNote")} />}
      {data && data.states.length > 0 && (
        <>
          <p>
            {t("availability")} <strong class="availability">{data.availability === null ? "–" : percent(data.availability)}</strong>{" "}
            <span class="muted">{t("outages", { n: formatCount(data.states.filter((held) => held.state === "offline").length) })}</span>
          </p>
          <Bar history={data} />
          <p class="small muted">{t("availabilityNote")}</p>
          <Changes states={data.states} />
        </>
      )}
    </section>
  );
}
