// The states that a device had: their sums, and the parts of the bar that shows them.

import type { DeviceState } from "../../api/types.ts";
import type { Range } from "../../chart/levels.ts";

/** A state of a device, or of nobody's looking: the server did not run. */
export type KnownState = DeviceState | "unknown";

/** A state that was held for a time. */
export interface StateInterval {
  from: string;
  to: string;
  state: KnownState;
  error: string | null;
}

/** An answer of `GET /api/device/{id}/states/`. */
export interface StateHistory {
  from: string;
  to: string;
  /** Share of the time, 0 to 1; null where there is no state to compute it from. */
  availability: number | null;
  states: StateInterval[];
}

export interface Segment extends Range {
  state: DeviceState;
}

/** The worst first: where several states share a part of the bar, it shows the first of them. */
export const WORST: readonly DeviceState[] = ["offline", "degraded", "connecting", "disabled", "online"];

/** Lengths of time that can be chosen, in milliseconds by what is written on their buttons. */
export const SPANS = { "24h": 86_400_000, "7d": 7 * 86_400_000, "30d": 30 * 86_400_000 } as const;

export type Span = keyof typeof SPANS;

export function spanOf(text: string | null): Span {
  return text !== null && Object.hasOwn(SPANS, text) ? (text as Span) : "24h";
}

/** The parts of the bar, of which there are at most `most`: an outage of a second is seen in a month. What is not known is left out. */
export function segmentsOf(states: StateInterval[], { from, to }: Range, most: number): Segment[] {
  const size = (to - from) / most;
  const worst = new Array<number>(most).fill(WORST.length);
  for (const held of states) {
    if (held.state === "unknown") continue;
    const rank = WORST.indexOf(held.state);
    const [first, last] = [Math.max(0, Math.floor((Date.parse(held.from) - from) / size)), Math.ceil((Date.parse(held.to) - from) / size)];
    for (let part = first; part < Math.min(most, Math.max(last, first + 1)); part += 1) worst[part] = Math.min(worst[part] as number, rank);
  }
  const segments: Segment[] = [];
  worst.forEach((rank, part) => {
    const state = WORST[rank];
    const before = segments.at(-1);
    const [begin, end] = [from + part * size, from + (part + 1) * size];
    if (state === undefined) return;
    if (before?.state === state && worst[part - 1] === rank) before.to = end;
    else segments.push({ from: begin, to: end, state });
  });
  return segments;
}

/** How long each state was held, milliseconds; the worst first, what is not known last, without those that never were. */
export function sumsOf(states: StateInterval[]): [KnownState, number][] {
  const sums = new Map<KnownState, number>();
  for (const { from, to, state } of states) sums.set(state, (sums.get(state) ?? 0) + Date.parse(to) - Date.parse(from));
  return [...WORST, "unknown" as const].flatMap((state): [KnownState, number][] => (sums.has(state) ? [[state, sums.get(state) as number]] : []));
}

/** A share in per cent with two decimals. It is never rounded up: 99.999 % is not everything. */
export function twoDecimals(share: number): number {
  // Twelve digits first, because 0.29 * 10,000 is 2,899.99… in binary.
  return Math.floor(Number((share * 10_000).toPrecision(12))) / 100;
}
