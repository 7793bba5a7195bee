// Questions of a trend while it follows its streams.

import assert from "node:assert/strict";
import { test } from "node:test";
import { RAW } from "../src/chart/loader.ts";
import { pass, type Question, serveTiles, STREAM, VIEW } from "./questions.ts";
import { serve, tell } from "./socket.ts";

Object.defineProperty(globalThis, "localStorage", { configurable: true, value: { getItem: () => null } });
Object.defineProperty(globalThis, "navigator", { configurable: true, value: { language: "en", languages: ["en"] } });
const { TrendModel } = await import("../src/pages/trend/model.ts");

/** Answers what is asked, and what is asked because of it; returns the tiles. */
async function answered(questions: Question[]): Promise<[number, number][]> {
  for (const question of questions) await question.answer();
  return questions.splice(0).map(({ tiles }) => tiles);
}

test("a reading that is told of while its tile is asked for is asked for without another message, and once", async (context) => {
  const questions = serveTiles(context, RAW + 1);
  serve();
  const model = new TrendModel(VIEW);
  model.setStreams([STREAM]);
  const stop = model.followWritten([STREAM]);
  context.after(() => {
    stop();
    model.stop();
  });
  await pass(0);
  assert.equal(questions.length, 1);
  tell({ values: { readings: [{ streamRowId: STREAM, ts: new Date(VIEW.from).toISOString() }] } });
  assert.deepEqual(await answered(questions), [[0, 0], [-1, -1], [1, 1]]);
  // Half a step after the message: asking whenever an answer has come would be a loop where something is always written.
  await pass(2499);
  assert.deepEqual(questions, []);
  await pass(1);
  await pass(80);
  assert.deepEqual(await answered(questions), [[0, 0]]);
  for (let minute = 0; minute < 3; minute += 1) await pass(60_000);
  assert.deepEqual(questions, []);
});

test("tiles are asked for before the streams are followed, and what was written in between is asked for then", async (context) => {
  const questions = serveTiles(context, RAW + 1);
  serve();
  context.mock.method(Date, "now", () => VIEW.from + 1000);
  const model = new TrendModel(VIEW);
  context.after(() => model.stop());
  model.setStreams([STREAM]);
  await pass(0);
  assert.deepEqual(await answered(questions), [[0, 0], [-1, -1], [1, 1]], "nobody waits for the names of the streams");
  context.after(model.followWritten([STREAM]));
  await pass(2500);
  await pass(80);
  assert.deepEqual(await answered(questions), [[0, 0]]);
  for (let minute = 0; minute < 3; minute += 1) await pass(60_000);
  assert.deepEqual(questions, []);
});
