// Forms: what is sent of them, and where the mistakes in them are told.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, type UserError } from "../src/api/http.ts";
import { changesOf, type User, valuesOf } from "../src/pages/admin/user.ts";
import { keyInput, NEW_KEY } from "../src/pages/admin/scopes.ts";
import { type Channel, channelInput, channelValues } from "../src/pages/rules/channel.ts";
import { refusals } from "../src/pages/rules/rule.ts";
import { errorOf, notNumbers, otherErrors, useForm } from "../src/ui/form.ts";
import { mount } from "./hooks.ts";

const TAKEN: UserError = { field: "name", message: "taken" };

/** A form whose requests wait for their answers. */
async function filling() {
  const sent: { values: { name: string; unit: string }; answer: (errors: UserError[]) => void; fail: (error: Error) => void }[] = [];
  const send = (values: { name: string; unit: string }) => new Promise<UserError[]>((answer, fail) => sent.push({ values, answer, fail }));
  const mounted = await mount(() => useForm({ name: "", unit: "bar" }, send));
  let prevented = 0;
  const submit = () => mounted.after(() => mounted.value().submit({ preventDefault: () => (prevented += 1) }));
  const set = (part: { name?: string }) => mounted.after(() => mounted.value().set(part));
  return { ...mounted, sent, submit, set, prevented: () => prevented };
}

test("a form is sent as it is filled in, by us and not by the browser, and cannot be sent meanwhile", async () => {
  const { value, after, sent, submit, set, prevented, unmount } = await filling();
  await set({ name: "p" });
  await set({ name: "pressure" });
  await submit();
  assert.deepEqual([sent.map(({ values }) => values), prevented()], [[{ name: "pressure", unit: "bar" }], 1]);
  assert.equal(value().isRunning, true);
  await after(() => sent[0]?.answer([]));
  assert.deepEqual([value().isRunning, value().errors, value().failure], [false, [], undefined]);
  await unmount();
});

test("mistakes stay at their fields until a form without them was sent", async () => {
  const { value, after, sent, submit, set, unmount } = await filling();
  await submit();
  await after(() => sent[0]?.answer([TAKEN, { field: null, message: "full" }]));
  assert.deepEqual([value().errorOf("name"), value().errorOf("unit")], ["taken", undefined]);
  assert.deepEqual(otherErrors(value().errors, ["name", "unit"]).map(({ message }) => message), ["full"]);
  await set({ name: "other" });
  assert.equal(value().errorOf("name"), "taken", "it is not known to be gone");
  await submit();
  await after(() => sent[1]?.answer([]));
  assert.equal(value().errorOf("name"), undefined);
  await unmount();
});

test("a request that fails is told apart from mistakes, and what was filled in stays", async () => {
  const { value, after, sent, submit, set, unmount } = await filling();
  await set({ name: "kept" });
  await submit();
  await after(() => sent[0]?.fail(new ApiError("away", 0)));
  assert.deepEqual([value().failure?.message, value().isRunning, value().values.name], ["away", false, "kept"]);
  await after(() => value().refuse([TAKEN]));
  assert.equal(value().errorOf("name"), "taken");
  await unmount();
});

test("mistakes that REST tells of fields are at the fields, as those of GraphQL are", async () => {
  const { value, after, sent, submit, unmount } = await filling();
  await submit();
  await after(() => sent[0]?.fail(new ApiError("taken", 400, "", "", [TAKEN])));
  assert.deepEqual([value().errorOf("name"), value().failure], ["taken", undefined]);
  await unmount();
});

test("several mistakes of a field are one text, and a field that is not shown is told elsewhere", () => {
  const errors = [TAKEN, { field: "name", message: "too long" }, { field: "host", message: "unknown" }];
  assert.equal(errorOf(errors, "name"), "taken too long");
  assert.equal(errorOf(undefined, "name"), undefined);
  assert.deepEqual(otherErrors(errors, ["name"]), [errors[2]]);
});

test("what is no number is a mistake at its field; an empty field is none", () => {
  assert.deepEqual(notNumbers({ threshold: NaN, ratio: 0.5, windows: null, rest: undefined }, "no"), [{ field: "threshold", message: "no" }]);
});

test("of a changed user only what changed is sent, and a password only when one was typed", () => {
  const user = { rowId: 1, username: "ann", role: "viewer", enabled: true, createdAt: "" } as User;
  const values = valuesOf(user);
  assert.deepEqual(values, { username: "ann", password: "", role: "viewer", enabled: true });
  assert.deepEqual(changesOf(user, values), {});
  assert.deepEqual(changesOf(user, { ...values, role: "staff", enabled: false, password: "secret" }), { role: "staff", enabled: false, password: "secret" });
  assert.deepEqual(valuesOf(undefined), { username: "", password: "", role: "viewer", enabled: true });
});

test("a key has the scopes of its matrix; row numbers that are none are mistakes at both fields", () => {
  const { input, errors } = keyInput({ ...NEW_KEY, name: "k", grants: { device: "read" }, devices: "1, 2", expires: "2026-05-01T12:00" }, "ids");
  assert.deepEqual([errors, input.scopes, input.allowedDevices, input.allowedData], [[], ["device:read"], ["1", "2"], null]);
  assert.equal(Date.parse(input.expiresAt as string), new Date(2026, 4, 1, 12).getTime());
  assert.equal(keyInput(NEW_KEY, "ids").input.expiresAt, null);
  const wrong = keyInput({ ...NEW_KEY, devices: "a", streams: "0" }, "ids").errors;
  assert.deepEqual(wrong, [{ field: "allowedDevices", message: "ids" }, { field: "allowedData", message: "ids" }]);
});

test("a channel has an address or recipients, never both, and its secret only when one was typed", () => {
  const blank = channelValues(undefined);
  assert.deepEqual(channelInput({ ...blank, name: "shift", target: "a@plant.test, b@plant.test;\nc@plant.test " }), {
    name: "shift", type: "EMAIL", enabled: true, recipients: ["a@plant.test", "b@plant.test", "c@plant.test"],
  });
  const hook = { ...blank, name: "hook", type: "WEBHOOK", target: " https://plant.test " } as const;
  assert.deepEqual(channelInput(hook), { name: "hook", type: "WEBHOOK", enabled: true, url: "https://plant.test" });
  assert.equal(channelInput({ ...hook, secret: "s" }).secret, "s");
});

test("a stored channel is sent as it is, without its secret", () => {
  const stored = {
    uuid: "u",
    name: "shift",
    type: "EMAIL",
    enabled: false,
    url: null,
    recipients: ["a@plant.test", "b@plant.test"],
    documentVersion: 3,
  } as Channel;
  assert.deepEqual(channelInput(channelValues(stored)), { name: "shift", type: "EMAIL", enabled: false, recipients: ["a@plant.test", "b@plant.test"] });
});

test("of a document that somebody else has changed, nothing else is told", () => {
  const invalid = { ...TAKEN, code: "INVALID" };
  assert.deepEqual(refusals([invalid], "changed"), [invalid]);
  assert.deepEqual(refusals([invalid, { field: null, message: "version", code: "CONFLICT" }], "changed"), [{ field: null, message: "changed" }]);
  assert.deepEqual(refusals([], "changed"), []);
});
