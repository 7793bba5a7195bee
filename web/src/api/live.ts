// Subscriptions: one WebSocket for all of them, opened with the first and closed with the last. It reconnects by itself. A subscription
// whose messages have a cursor goes on after the last of them; whoever follows another is told, and asks for what there is now.

import { type Client, createClient } from "graphql-ws";
import { credentials } from "./access.ts";
import type { Data, Document, OperationName, Variables } from "./graph.ts";
import { ApiError } from "./http.ts";
import { ROOT } from "./root.ts";

/** Called with true when the connection is there, with false when it is lost. */
export type ConnectionWatcher = (isConnected: boolean) => void;

let client: Client | undefined;
/** Subscriptions that go on. */
let followers = 0;
let watcher: ConnectionWatcher = () => {};
/** Callbacks for when the connection is there again after it was lost. */
const returned = new Set<() => void>();

export function watchConnection(watch: ConnectionWatcher): void {
  watcher = watch;
}

function socket(): Client {
  client ??= createClient({
    url: `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${ROOT}/graphql/ws`,
    connectionParams: credentials,
    // Wrong credentials do not get better.
    shouldRetry: (event) => !(event instanceof CloseEvent && event.code === 4403),
    retryAttempts: Infinity,
    retryWait: (retries) => new Promise((done) => setTimeout(done, Math.min(1000 * 2 ** retries, 15_000))),
    on: {
      connected: (_, __, isReturn) => {
        watcher(true);
        if (isReturn) for (const reload of returned) reload();
      },
      // 1000 is our own farewell.
      closed: (event) => watcher(event instanceof CloseEvent && event.code === 1000),
    },
  });
  return client;
}

/** Ends all subscriptions, because somebody else asks from now on. */
export function closeConnection(): void {
  void client?.dispose();
  client = undefined;
}

/** Milliseconds in which messages are gathered: not seen as a delay. */
const GATHER = 100;

/** Hands on many messages that come at once, such as the states of all devices in the beginning, together. */
export function gathered<T>(next: (all: T[]) => void): (one: T) => void {
  let all: T[] = [];
  return (one) => {
    all.push(one);
    if (all.length > 1) return;
    setTimeout(() => {
      const told = all;
      all = [];
      next(told);
    }, GATHER);
  };
}

/** The cursor of a message, if it has one. */
function cursorOf(data: object): string | undefined {
  const message: unknown = Object.values(data)[0];
  const cursor = typeof message === "object" && message !== null && "cursor" in message ? message.cursor : undefined;
  return typeof cursor === "string" ? cursor : undefined;
}

/**
 * Follows a subscription until the function that is returned is called. A query with `$after` goes on from its last message after the connection
 * was lost; `missed` is called when it is there again, for what has no cursor.
 */
export function follow<Name extends OperationName>(
  query: Document<Name>,
  variables: Variables<Name>,
  next: (data: Data<Name>) => void,
  failed: (error: ApiError) => void,
  missed: () => void = () => {},
): () => void {
  followers += 1;
  const reload = () => missed();
  returned.add(reload);
  // It is sent as it is then, whenever the connection begins.
  const request: { query: string; variables: Record<string, unknown> } = { query, variables: { ...variables } };
  const stop = socket().subscribe<Data<Name>>(
    request,
    {
      next: ({ data, errors }) => {
        const first = errors?.[0];
        if (first) failed(new ApiError(first.message, 200, String(first.extensions?.["code"] ?? "")));
        else if (data) {
          const after = query.includes("$after") ? cursorOf(data) : undefined;
          if (after !== undefined) request.variables["after"] = after;
          next(data);
        }
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
    returned.delete(reload);
    followers -= 1;
    // A connection that nobody needs is not missed.
    if (followers === 0) watcher(true);
  };
}
