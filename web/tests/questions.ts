// A server that is asked for the tiles of one stream, and answers when it is told to.

import { mock, type TestContext } from "node:test";
import { tableFromArrays, tableToIPC } from "@uwdata/flechette";
import { tileAt, tileRange } from "../src/chart/levels.ts";

export const STEP = 5000;
/** The stream that there is, and a tile of it. */
export const STREAM = 1;
export const INDEX = tileAt(Date.UTC(2026, 4, 1), STEP);
export const VIEW = tileRange(INDEX, STEP);

/** A question that waits for its answer. */
export interface Question {
  isOfReadings: boolean;
  /** The tiles that it asks for, first and last, counted from the one above. */
  tiles: [number, number];
  answer: () => Promise<void>;
}

/** Lets so many milliseconds pass, and what waits for them happen. */
export async function pass(time: number): Promise<void> {
  mock.timers.tick(time);
  await new Promise((done) => setImmediate(done));
}

/** The answer, read without waiting for the system: one bucket of so many readings, or one of these readings. */
function answerOf(isOfReadings: boolean, readings: number): Response {
  const common = { stream_id: [STREAM], t: [VIEW.from] };
  const columns = isOfReadings ? { ...common, value: [7], quality: [0] } : { ...common, lo: [7], hi: [7], mean: [7], n: [readings], bad: [0] };
  const bytes = tableToIPC(tableFromArrays(columns), {});
  return { ok: true, arrayBuffer: async () => bytes } as unknown as Response;
}

/** Records the questions from now on, during a test whose clock stands still. The tile has so many readings, and others have none. */
export function serveTiles(context: TestContext, readings: number): Question[] {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  Object.assign(globalThis, { sessionStorage: { getItem: () => "key" } });
  const questions: Question[] = [];
  globalThis.fetch = (_, request) => {
    const { query, params } = JSON.parse(String(request?.body)) as { query: string; params: { from: string; to: string } };
    const tiles: Question["tiles"] = [tileAt(Date.parse(params.from), STEP) - INDEX, tileAt(Date.parse(params.to) - 1, STEP) - INDEX];
    return new Promise((done) => {
      const isOfReadings = !query.includes("time_bucket");
      const answer = () => {
        done(answerOf(isOfReadings, readings));
        return pass(0);
      };
      questions.push({ isOfReadings, tiles, answer });
    });
  };
  return questions;
}
