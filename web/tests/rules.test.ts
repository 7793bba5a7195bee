// Form of an alert rule: the input that is sent, and what is found wrong before.

import assert from "node:assert/strict";
import { test } from "node:test";
import { formOf, inputOf, NEW_RULE, operatorsOf, type Rule, type RuleForm } from "../src/pages/rules/rule.ts";

const WORDS = { wrongThreshold: "t", wrongSeconds: "s", wrongStream: "stream", wrongDevice: "device" };
const of = (part: Partial<RuleForm>) => inputOf({ ...NEW_RULE, name: "hot", stream: "7", threshold: "80", ...part }, WORDS);
const wrong = (part: Partial<RuleForm>) => of(part).errors.map(({ field }) => field);

test("a rule on a value has no window, and its threshold is a number with comma or point", () => {
  const { input, errors } = of({ threshold: "80,5" });
  assert.deepEqual(errors, []);
  assert.deepEqual([input["threshold"], input["windowSeconds"], input["stream"], input["device"]], [80.5, null, "7", null]);
});

test("a rule on silence compares nothing", () => {
  const { input, errors } = of({ evaluation: "NO_DATA", threshold: "" });
  assert.deepEqual(errors, []);
  assert.deepEqual([input["operator"], input["threshold"], input["windowSeconds"]], [null, null, 300]);
});

test("a rule on a state is about a device, not a stream", () => {
  const { input, errors } = of({ evaluation: "DEVICE_STATE", operator: "GT", device: "3", threshold: "offline" });
  assert.deepEqual(errors, []);
  assert.deepEqual([input["operator"], input["threshold"], input["stream"], input["device"]], ["EQ", "offline", null, "3"]);
});

test("true, false and text are compared as such", () => {
  assert.equal(of({ operator: "IS_TRUE", threshold: "" }).input["threshold"], null);
  assert.equal(of({ operator: "CONTAINS", threshold: "12" }).input["threshold"], "12");
  assert.deepEqual(operatorsOf("AVG"), ["GT", "GTE", "LT", "LTE", "EQ", "NEQ"]);
});

test("what is wrong is said at its field", () => {
  assert.deepEqual(wrong({ threshold: "" }), ["threshold"]);
  assert.deepEqual(wrong({ threshold: "hot" }), ["threshold"]);
  assert.deepEqual(wrong({ stream: "" }), ["stream"]);
  assert.deepEqual(wrong({ evaluation: "AVG", window: "soon", cooldown: "" }), ["windowSeconds", "cooldownSeconds"]);
  assert.deepEqual(wrong({ evaluation: "DEVICE_STATE", threshold: "offline" }), ["device"]);
});

test("a stored rule is shown as it was sent", () => {
  const { input } = of({ evaluation: "MAX", window: "60", channels: ["c"] });
  const stored = { ...input, uuid: "u", stream: { rowId: 7, name: "a" }, version: 1, suppressedAlerts: 0 } as unknown as Rule;
  assert.deepEqual(inputOf(formOf(stored), WORDS).input, input);
});
