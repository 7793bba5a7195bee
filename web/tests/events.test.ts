// The list of events: what the subscription tells of while the list is asked for is not lost, and the list is asked for again.

import assert from "node:assert/strict";
import { mock, test, type TestContext } from "node:test";
import { closeConnection } from "../src/api/live.ts";
import { parseFilters, useEvents } from "../src/pages/events/list.ts";
import { mount } from "./hooks.ts";
import { serve, tell } from "./socket.ts";

const event = (rowId: number, acknowledged: boolean) => ({ rowId, acknowledged });

/** A list during a test whose clock stands still, and its questions, each of which waits for its answer. */
async function listing(context: TestContext) {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => {
    mock.timers.reset();
    closeConnection();
  });
  serve();
  const answers: ((nodes: object[]) => void)[] = [];
  globalThis.fetch = () =>
    new Promise((done) => {
      answers.push((nodes) => {
        const data = { events: { nodes, pageInfo: { endCursor: null, hasNextPage: false } } };
        done({ ok: true, json: async () => ({ data }) } as Response);
      });
    });
  const { value, after, unmount } = await mount(() => useEvents(parseFilters(new URLSearchParams())));
  return {
    answers,
    shown: () => value().shown?.map(({ rowId, acknowledged }) => [rowId, acknowledged]),
    acknowledge: (rowId: number) => after(() => tell({ events: { change: "UPDATED", rowId, event: event(rowId, true) } })),
    pass: (time: number) => after(() => mock.timers.tick(time)),
    after,
    unmount,
  };
}

test("an event that is acknowledged while the list is asked for is shown so, and the list is asked for again", async (context) => {
  const { answers, shown, acknowledge, pass, after, unmount } = await listing(context);
  await acknowledge(7);
  // The answer is of before the acknowledgement.
  await after(() => answers[0]?.([event(8, false), event(7, false)]));
  assert.deepEqual(shown(), [[8, false], [7, true]]);
  // Events may match the filters since the update that did not match before.
  await pass(299);
  assert.equal(answers.length, 1);
  await pass(1);
  assert.equal(answers.length, 2);
  await after(() => answers[1]?.([event(9, false), event(8, false), event(7, true)]));
  assert.deepEqual(shown(), [[9, false], [8, false], [7, true]]);
  await pass(60_000);
  assert.equal(answers.length, 2, "nothing else is asked");
  await unmount();
});

test("events that are updated all the time do not keep the list from being asked for", async (context) => {
  const { answers, shown, acknowledge, pass, after, unmount } = await listing(context);
  await after(() => answers[0]?.([event(7, false)]));
  for (let time = 0; time < 300; time += 100) {
    assert.equal(answers.length, 1, `after ${time} ms`);
    await acknowledge(7);
    await pass(100);
  }
  assert.equal(answers.length, 2);
  await after(() => answers[1]?.([event(8, false), event(7, true)]));
  assert.deepEqual(shown(), [[8, false], [7, true]]);
  await acknowledge(8);
  await pass(300);
  assert.equal(answers.length, 3, "and again");
  await unmount();
});
