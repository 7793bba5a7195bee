// Credentials of the page's requests: an API key, forgotten with the browser's tab, or the session of somebody who is logged in.
// A key goes before a session, here as on the server.

import { ROOT } from "./api/root.ts";

const SAVED = "basalt.key";
const SESSION = `${ROOT}/api/session/`;

const place = (name) => document.querySelector(`.access ${name}`);

function csrfToken() {
  const pair = document.cookie.split("; ").find((pair) => pair.startsWith("csrftoken="));
  return pair && decodeURIComponent(pair.slice("csrftoken=".length));
}

function savedKey() {
  return sessionStorage.getItem(SAVED) ?? "";
}

function saveKey(key) {
  sessionStorage.setItem(SAVED, key);
  place("form.key").elements.namedItem("key").value = key;
}

/** The cookie of a session goes by itself; its token has to be said. */
function ofSession() {
  const token = csrfToken();
  return token ? { "X-CSRFToken": token } : {};
}

/** Whether there is anything to ask with. */
export function isKnown() {
  return Boolean(savedKey() || csrfToken());
}

/** The headers that say who asks. */
export function credentials() {
  const key = savedKey();
  return key ? { Authorization: `ApiKey ${key}` } : ofSession();
}

/** The message of an answer that is no success. */
async function refusal(answer) {
  const said = await answer.json().catch(() => ({}));
  return said.detail ?? (Object.values(said).flat().join(" ") || `The server answered ${answer.status}.`);
}

/** The name of whoever is logged in. */
async function person() {
  if (!csrfToken()) return undefined;
  const answer = await fetch(SESSION);
  if (answer.ok) return (await answer.json()).user.username;
  // The session has ended since, and left its other cookie behind.
  if (answer.status === 401) document.cookie = "csrftoken=; Path=/; Max-Age=0; SameSite=Lax";
  return undefined;
}

function show(name) {
  place("details").hidden = Boolean(name);
  place("form.logout").hidden = !name;
  place("form.logout span").textContent = name ?? "";
}

async function logIn(form) {
  const body = JSON.stringify(Object.fromEntries(new FormData(form)));
  const answer = await fetch(SESSION, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  if (!answer.ok) throw new Error(await refusal(answer));
  form.reset();
  place("details").open = false;
  // Whoever logs in wants to be asking.
  saveKey("");
  show((await answer.json()).user.username);
  place("form.logout button").focus();
}

async function logOut() {
  const answer = await fetch(SESSION, { method: "DELETE", headers: ofSession() });
  if (!answer.ok && answer.status !== 401) throw new Error(await refusal(answer));
  show(undefined);
  place("summary").focus();
}

/** Has `work` done when a form is sent, and tells in the bar what went wrong. */
function onSubmit(name, work) {
  const said = place("output");
  place(name).addEventListener("submit", async (event) => {
    event.preventDefault();
    said.textContent = "";
    try {
      await work(event.target);
    } catch (error) {
      said.textContent = error.message;
    }
  });
}

/** Lets people say who asks, by key or by name; `changed` is called when it is somebody else. */
export async function connectAccess(changed) {
  saveKey(savedKey());
  onSubmit("form.key", async (form) => {
    saveKey(form.elements.namedItem("key").value.trim());
    changed();
  });
  onSubmit("form.login", async (form) => {
    await logIn(form);
    changed();
  });
  onSubmit("form.logout", async () => {
    await logOut();
    changed();
  });
  show(await person());
}
