// Reading of the server's metrics.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMetrics, rate, total } from "../src/pages/system/metrics.ts";

const TEXT = `# HELP up Whether.
# TYPE up gauge
up 1
size{budget="a"} 5e3
basalt_memory_used_bytes{budget="rows, \\"all\\""} 1
basalt_memory_used_bytes{budget="queries"} 30
basalt_memory_limit_bytes{budget="queries"} 100
basalt_memory_limit_bytes{budget="rows, \\"all\\""} 100
seconds_bucket{device="1",le="+Inf"} 7
seconds_bucket{device="2",le="+Inf"} 8
odd NaN
`;

test("samples are read with their labels, and comments are not", () => {
  const samples = parseMetrics(TEXT);
  assert.equal(samples.length, 8);
  assert.deepEqual(samples[1], { name: "size", labels: { budget: "a" }, value: 5000 });
  assert.deepEqual(samples[6]?.labels, { device: "1", le: "+Inf" });
});

test("a total is of all samples of a name, and of none there is none", () => {
  const samples = parseMetrics(TEXT);
  assert.equal(total(samples, "seconds_bucket"), 15);
  assert.equal(total(samples, "nothing"), undefined);
});

test("a rate needs two looks, and a counter that began anew has none", () => {
  assert.equal(rate(10, 30, 5), 4);
  assert.equal(rate(undefined, 30, 5), undefined);
  assert.equal(rate(30, 10, 5), undefined);
});
