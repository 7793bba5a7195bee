// Kiosk links: what their key may read, and what of an address is taken as a key.

import assert from "node:assert/strict";
import { test } from "node:test";
import { allowedStreams, defaultEnd, endOf, hasTable, keyName, scopesOf } from "../src/pages/boards/kiosk.ts";
import { type Kind, newWidget, type Widget } from "../src/board/widgets.ts";
import { isKiosk, isSameBuild, keyIn, linkOf } from "../src/shell/panel.ts";

const UUID = "0199f0aa-1111-7222-8333-444455556666";
const KEY = `bslt_${"a".repeat(51)}`;

const of = (kind: Kind, sensorIds: string[] = []): Widget => {
  const widget = newWidget(kind, [], { x: 0, y: 0 });
  return { ...widget, config: { ...widget.config, sensorIds } };
};

test("the link of a board has its key behind the hash, and is read as it was made", () => {
  const link = new URL(linkOf("https://plant.test:8000", UUID, KEY));
  assert.equal(link.href, `https://plant.test:8000/ui/boards/${UUID}?kiosk#key=${KEY}`);
  assert.ok(!`${link.pathname}${link.search}`.includes(KEY), "what is sent does not have the key");
  assert.equal(keyIn(link), KEY);
});

test("a key is taken from nowhere else", () => {
  for (const address of [
    `/ui/boards/${UUID}?kiosk`,
    `/ui/boards/${UUID}?kiosk#key=`,
    `/ui/boards/${UUID}?kiosk#login=${KEY}`,
    `/ui/boards/${UUID}?kiosk&key=${KEY}`,
    `/ui/boards/${UUID}?edit#key=${KEY}`,
    `/ui/boards/${UUID}#key=${KEY}`,
    `/ui/boards?kiosk#key=${KEY}`,
    `/ui/sql?kiosk#key=${KEY}`,
    `/ui/#key=${KEY}`,
  ]) {
    assert.equal(keyIn(new URL(address, "http://plant.test")), undefined, address);
  }
  assert.equal(keyIn(new URL(`/ui/boards/${UUID}/?range=24h&kiosk#key=${KEY}`, "http://plant.test")), KEY);
  assert.ok(isKiosk({ pathname: `/ui/boards/${UUID}`, search: "?range=1h&kiosk=" }));
});

test("the key only reads, and events only where they are shown", () => {
  const kinds: Kind[] = ["value", "gauge", "line", "states", "table", "events", "text", "write"];
  for (const scope of scopesOf(kinds.map((kind) => of(kind)))) assert.match(scope, /:read$/);
  const reads = (kind: Kind) => scopesOf([of(kind)]).includes("event-log:read");
  assert.deepEqual(kinds.filter(reads), ["table", "events"]);
  assert.deepEqual(kinds.filter((kind) => hasTable([of(kind)])), ["table"]);
});

test("the key sees the streams of the board and those that are added, each once", () => {
  const known = new Map([["u1", { rowId: 1 }], ["u2", { rowId: 2 }], ["u3", { rowId: 3 }]]);
  const widgets = [of("value", ["u2"]), of("line", ["u1", "u2", "gone"]), of("text")];
  assert.deepEqual(allowedStreams(widgets, known), ["2", "1"]);
  assert.deepEqual(allowedStreams(widgets, known, [3, 1]), ["2", "1", "3"]);
  // An empty list allows nothing; null would allow everything.
  assert.deepEqual(allowedStreams([of("text")], known), []);
});

test("a link ends with its last day, and has a name that a key may have", () => {
  assert.equal(defaultEnd(new Date(2026, 10, 24, 23, 30)), "2027-02-22");
  assert.equal(endOf("2026-12-31"), new Date(2027, 0, 1).toISOString());
  for (const text of ["", "tomorrow", "2026-1-1"]) assert.equal(endOf(text), undefined, text);
  assert.equal(keyName("Kiosk", "Hall 2"), "Kiosk: Hall 2");
  assert.equal([...keyName("Kiosk", "😀".repeat(200))].length, 100);
});

test("another build is told by the address of the script", () => {
  const page = `<script type="module" src="/pages/1f2e/app.js"></script>`;
  assert.ok(isSameBuild(page, "/pages/1f2e/app.js"));
  assert.ok(!isSameBuild(page, "/pages/0000/app.js"));
  assert.ok(isSameBuild(page, ""), "a page without a script is never loaded anew for it");
});
