// Who asks: an API key, forgotten with the browser's tab, or the session of somebody who is logged in.

const SAVED = "basalt.key";

function cookie(name) {
  const pair = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return pair && decodeURIComponent(pair.slice(name.length + 1));
}

function savedKey() {
  return sessionStorage.getItem(SAVED) ?? "";
}

/** Whether there is anything to ask with. */
export function isKnown() {
  return Boolean(savedKey() || cookie("csrftoken"));
}

/** The headers that say who asks. The cookie of a session goes by itself; its token has to be said. */
export function credentials() {
  const key = savedKey();
  if (key) return { Authorization: `ApiKey ${key}` };
  const token = cookie("csrftoken");
  return token ? { "X-CSRFToken": token } : {};
}

/** Lets the key be typed into the page's form; `changed` is called when there is another. */
export function connectKeyForm(changed) {
  const form = document.querySelector("form.key");
  const input = form.elements.namedItem("key");
  input.value = savedKey();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(SAVED, input.value.trim());
    changed();
  });
}
