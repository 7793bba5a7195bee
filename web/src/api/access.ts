// Credentials of requests: an API key, forgotten with the browser's tab, or the session of somebody who is logged in. The page
// /graphiql reads the same places. A key goes before a session, here as on the server.

const SAVED = "basalt.key";

function csrfToken(): string | undefined {
  const pair = document.cookie.split("; ").find((pair) => pair.startsWith("csrftoken="));
  return pair && decodeURIComponent(pair.slice("csrftoken=".length));
}

export function savedKey(): string {
  return sessionStorage.getItem(SAVED) ?? "";
}

export function saveKey(key: string): void {
  sessionStorage.setItem(SAVED, key);
}

/** Whether there is anything to ask with. */
export function isKnown(): boolean {
  return Boolean(savedKey() || csrfToken());
}

/** The headers that say who asks, also as the payload that begins a WebSocket. */
export function credentials(): Record<string, string> {
  const key = savedKey();
  if (key) return { Authorization: `ApiKey ${key}` };
  const token = csrfToken();
  return token ? { "X-CSRFToken": token } : {};
}

/** Forgets what is left of a session that has ended elsewhere. */
export function forgetSession(): void {
  document.cookie = "csrftoken=; Path=/; Max-Age=0; SameSite=Lax";
}
