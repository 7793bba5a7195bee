// The lane below a chart: for each pixel what is known of the quality of the readings in it.

import { isJoined, type Marks } from "./marks.ts";

/** `none` has no data. */
export type LaneState = "none" | "good" | "uncertain" | "bad";
const RANK: LaneState[] = ["none", "good", "uncertain", "bad"];

function stateOf(marks: Marks, i: number): LaneState {
  if ((marks.bad[i] as number) > 0) return "bad";
  return (marks.uncertain[i] as number) > 0 ? "uncertain" : "good";
}

/** The state of each pixel. A reading covers the time to the one it is joined to; of several states the worst is shown. */
export function lane(marks: Marks, from: number, to: number, width: number, interval: number): LaneState[] {
  const states: LaneState[] = new Array<LaneState>(width).fill("none");
  const pixel = (time: number) => Math.floor(((time - from) / (to - from)) * width);
  const mark = (first: number, last: number, state: LaneState) => {
    for (let x = Math.max(0, first); x <= Math.min(width - 1, last); x += 1) {
      if (RANK.indexOf(state) > RANK.indexOf(states[x] as LaneState)) states[x] = state;
    }
  };
  for (let i = 0; i < marks.start.length; i += 1) {
    const [start, end] = [marks.start[i] as number, marks.end[i] as number];
    if (isJoined(marks, i, interval)) mark(pixel(marks.end[i - 1] as number), pixel(start) - 1, stateOf(marks, i - 1));
    mark(pixel(start), pixel(Math.max(start, end - 1)), stateOf(marks, i));
  }
  return states;
}

/** Runs of the same state, as first pixel, end and state. */
export function runs(states: LaneState[]): [number, number, LaneState][] {
  const found: [number, number, LaneState][] = [];
  states.forEach((state, x) => {
    const last = found.at(-1);
    if (last && last[2] === state) last[1] = x + 1;
    else found.push([x, x + 1, state]);
  });
  return found;
}
