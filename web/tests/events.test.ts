// The list of events: what the subscription tells of while the list is asked for is not lost.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { parseFilters, useEvents } from "../src/pages/events/list.ts";
import { mount } from "./hooks.ts";
import { serve, tell } from "./socket.ts";

const event = (rowId: number, acknowledged: boolean) => ({ rowId, acknowledged });

test("an event that is acknowledged while the list is asked for is shown so, and the list is asked for again", async (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
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
  const shown = () => value().shown?.map(({ rowId, acknowledged }) => [rowId, acknowledged]);
  await after(() => tell({ events: { change: "UPDATED", rowId: 7, event: event(7, true) } }));
  // The answer is of before the acknowledgement.
  await after(() => answers[0]?.([event(8, false), event(7, false)]));
  assert.deepEqual(shown(), [[8, false], [7, true]]);
  // Events may match the filters since the update that did not match before.
  await after(() => mock.timers.tick(299));
  assert.equal(answers.length, 1);
  await after(() => mock.timers.tick(1));
  assert.equal(answers.length, 2);
  await after(() => answers[1]?.([event(9, false), event(8, false), event(7, true)]));
  assert.deepEqual(shown(), [[9, false], [8, false], [7, true]]);
  await after(() => mock.timers.tick(60_000));
  assert.equal(answers.length, 2, "nothing else is asked");
  await unmount();
});
