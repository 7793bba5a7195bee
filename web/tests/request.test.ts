// Data of a component: an answer that comes late takes nothing back that was told meanwhile, and is not given up for it.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { useRequest } from "../src/ui/request.ts";
import { mount } from "./hooks.ts";

/** A component that asks, and its questions, each of which waits for its answer. */
async function asking() {
  const questions: { answer: (data: string[]) => void; fail: (error: Error) => void }[] = [];
  const mounted = await mount(() => useRequest(() => new Promise<string[]>((answer, fail) => questions.push({ answer, fail })), []));
  /** Answers the newest question. */
  const answer = (data: string[]) => mounted.after(() => questions.at(-1)?.answer(data));
  const fail = () => mounted.after(() => questions.at(-1)?.fail(new Error("away")));
  const add = (one: string) => mounted.after(() => mounted.value().change((known) => [...known, one]));
  const reload = () => mounted.after(() => mounted.value().reload());
  const reloadSoon = () => mounted.after(() => mounted.value().reloadSoon());
  const pass = (time: number) => mounted.after(() => mock.timers.tick(time));
  return { ...mounted, questions, answer, fail, add, reload, reloadSoon, pass };
}

test("what is told while a question is under way is put into its answer, in its order", async () => {
  const { value, answer, add, reload, unmount } = await asking();
  await add("told before there was anything");
  assert.equal(value().data, undefined);
  await answer(["first"]);
  assert.deepEqual(value().data, ["first", "told before there was anything"]);
  await reload();
  await add("told");
  await add("later");
  assert.deepEqual(value().data?.slice(-2), ["told", "later"], "it does not wait for the answer");
  await answer(["second"]);
  assert.deepEqual(value().data, ["second", "told", "later"]);
  await unmount();
});

test("what was told before a question is in its answer, or is not true any more", async () => {
  const { value, answer, fail, add, reload, unmount } = await asking();
  await answer(["first"]);
  await add("told");
  await reload();
  await answer(["second"]);
  assert.deepEqual(value().data, ["second"]);
  // Nor has a question that is given up, or fails, anything for the next one.
  await reload();
  await add("told");
  await reload();
  await answer(["third"]);
  assert.deepEqual(value().data, ["third"]);
  await reload();
  await add("told");
  await fail();
  assert.equal(value().error?.message, "Error: away");
  await reload();
  await answer(["fourth"]);
  assert.deepEqual(value().data, ["fourth"]);
  await unmount();
});

test("who asks soon all the time asks once in a while, and waits for each answer", async (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  const { value, questions, answer, reloadSoon, pass, unmount } = await asking();
  for (let time = 0; time < 3000; time += 100) {
    await reloadSoon();
    await pass(100);
  }
  assert.equal(questions.length, 1, "the first question is not given up");
  await answer(["first"]);
  assert.deepEqual(value().data, ["first"]);
  await pass(300);
  assert.equal(questions.length, 2, "what was wanted meanwhile is asked then");
  await answer(["second"]);
  assert.deepEqual(value().data, ["second"]);
  await pass(60_000);
  assert.equal(questions.length, 2, "nobody asks any more");
  await reloadSoon();
  await pass(300);
  assert.equal(questions.length, 3);
  // The page is left while it waits.
  await reloadSoon();
  await unmount();
  const timers = mock.method(globalThis, "setTimeout");
  mock.timers.tick(60_000);
  assert.equal(timers.mock.callCount(), 0, "nobody is there any more");
  timers.mock.restore();
});
