// Which answers become a chart, and of which lines.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Row, seriesOf, trendOf } from "../src/pages/sql/series.ts";

const at = (second: number) => `2026-04-28T12:00:0${second}Z`;
const NOON = Date.parse("2026-04-28T12:00:00Z") / 1000;
const labels = (rows: Row[]) => seriesOf(rows)?.lines.map(({ label, values }) => [label, values]);

const cases: Record<string, [Row[], [string, (number | null)[]][] | undefined]> = {
  "no rows": [[], undefined],
  "a single time": [[{ ts: at(0), value: 1 }], undefined],
  "no time": [[{ value: 1 }, { value: 2 }], undefined],
  "no number": [[{ ts: at(0), text: "a" }, { ts: at(1), text: "b" }], undefined],
  "a time and numbers": [
    [{ ts: at(0), min: 1, max: 2 }, { ts: at(1), min: null, max: 3 }],
    [["min", [1, null]], ["max", [2, 3]]],
  ],
  "times are put in order": [[{ ts: at(1), value: 2 }, { ts: at(0), value: 1 }], [["value", [1, 2]]]],
  "a column of nothing is no line": [[{ ts: at(0), a: 1, b: null }, { ts: at(1), a: 2, b: null }], [["a", [1, 2]]]],
  "ids tell lines apart": [
    [{ stream_id: 1, ts: at(0), value: 1 }, { stream_id: 2, ts: at(0), value: 5 }, { stream_id: 1, ts: at(1), value: 2 }],
    [["1", [1, 2]], ["2", [5, null]]],
  ],
  "names tell several numbers apart": [
    [{ name: "x", ts: at(0), min: 1, max: 2 }, { name: "y", ts: at(0), min: 3, max: 4 }, { name: "y", ts: at(1), min: 5, max: 6 }],
    [["x min", [1, null]], ["x max", [2, null]], ["y min", [3, 5]], ["y max", [4, 6]]],
  ],
  "times twice and nothing to tell apart": [[{ ts: at(0), value: 1 }, { ts: at(0), value: 2 }, { ts: at(1), value: 3 }], undefined],
};

for (const [name, [rows, expected]] of Object.entries(cases)) {
  test(name, () => assert.deepEqual(labels(rows), expected));
}

test("times are seconds, of UTC when no zone is said", () => {
  const rows = [{ ts: "2026-04-28T12:00:00", value: 1 }, { ts: "2026-04-28T12:00:00.250", value: 2 }];
  assert.deepEqual(seriesOf(rows)?.times, [NOON, NOON + 0.25]);
});

test("streams and times of an answer are found in the trend explorer", () => {
  const rows = [{ stream_id: 2, ts: at(0), value: 1 }, { stream_id: 1, ts: at(5), value: 2 }];
  assert.equal(trendOf(rows), "/ui/trend?s=2,1&from=2026-04-28T12:00:00.000Z&to=2026-04-28T12:00:05.001Z");
  assert.equal(trendOf([{ ts: at(0), value: 1 }, { ts: at(1), value: 1 }]), undefined, "whose they are is not known");
  assert.equal(trendOf([{ stream_id: 1, ts: at(0) }]), undefined, "one time is no range");
  assert.equal(trendOf([]), undefined);
});
