// Subscriptions: one WebSocket for all of them, opened with the first and closed with the last. It reconnects by itself, and
// each subscription goes on from where it was by the variables that it is asked for anew.

import { type Client, createClient } from "graphql-ws";
import { credentials } from "./access.ts";
import { ApiError } from "./http.ts";

/** Called with true when the connection is there, with false when it is lost. */
export type ConnectionWatcher = (isConnected: boolean) => void;

let client: Client | undefined;
/** Subscriptions that go on. */
let followers = 0;
let watcher: ConnectionWatcher = () => {};

export function watchConnection(watch: ConnectionWatcher): void {
  watcher = watch;
}

function socket(): Client {
  client ??= createClient({
    url: `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/graphql/ws`,
    connectionParams: credentials,
    // Wrong credentials do not get better.
    shouldRetry: (event) => !(event instanceof CloseEvent && event.code === 4403),
    retryAttempts: Infinity,
    retryWait: (retries) => new Promise((done) => setTimeout(done, Math.min(1000 * 2 ** retries, 15_000))),
    on: {
      connected: () => watcher(true),
      // 1000 is our own farewell.
      closed: (event) => watcher(event instanceof CloseEvent && event.code === 1000),
    },
  });
  return client;
}

/** Ends all subscriptions, because somebody else asks from now on. */
export function hangUp(): void {
  void client?.dispose();
  client = undefined;
}

/** Follows a subscription until the function that is returned is called. */
export function follow<T>(
  query: string,
  variables: Record<string, unknown>,
  next: (data: T) => void,
  failed: (error: ApiError) => void,
): () => void {
  followers += 1;
  const stop = socket().subscribe<T>(
    { query, variables },
    {
      next: ({ data, errors }) => {
        const first = errors?.[0];
        if (first) failed(new ApiError(first.message, 200, String(first.extensions?.["code"] ?? "")));
        else if (data) next(data);
      },
      error: (error) => {
        const first = Array.isArray(error) ? error[0] : undefined;
        const code = String(first?.extensions?.["code"] ?? "");
        const closed = error instanceof CloseEvent && error.code === 4403 ? "UNAUTHENTICATED" : code;
        failed(new ApiError(first?.message ?? "the live connection ended", 0, closed));
      },
      complete: () => {},
    },
  );
  return () => {
    stop();
    followers -= 1;
    // A connection that nobody needs is not missed.
    if (followers === 0) watcher(true);
  };
}
