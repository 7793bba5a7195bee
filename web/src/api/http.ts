// Requests to the server, and the one error that every kind of request fails with.

import { credentials } from "./access.ts";
import { ROOT } from "./root.ts";

/** A mistake in the input, at its field. */
export interface UserError {
  field: string | null;
  message: string;
}

/** A refusal in the server's words. */
export class ApiError extends Error {
  constructor(
    message: string,
    /** Status of HTTP, or 0 if the server was not reached. */
    readonly status: number,
    /** Code of GraphQL, such as `FORBIDDEN`. */
    readonly code = "",
    /** Finds the request in the server's log. */
    readonly requestId = "",
    /** Mistakes in the fields of a request of REST. */
    readonly fields: UserError[] = [],
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** Whether nobody is logged in, or not any more. */
  get isUnauthenticated(): boolean {
    return this.status === 401 || this.code === "UNAUTHENTICATED";
  }
}

/** Statuses of proxies whose server is away; 0 is no answer at all. */
const AWAY = [0, 502, 504];

/** Whether the server was not reached, so that the same request may succeed later. */
export function isAway(error: ApiError | undefined): boolean {
  return error !== undefined && error.code === "" && AWAY.includes(error.status);
}

/** Whether a request was given up by us, which is no error. */
export function isAborted(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

interface Refusal {
  detail?: unknown;
  errors?: { message: string; extensions?: { code?: string } }[];
}

/** REST answers `{"field": ["what is wrong"]}`. */
function fieldErrors(said: object): UserError[] {
  return Object.entries(said).flatMap(([field, messages]) => (Array.isArray(messages) ? messages.map((message) => ({ field, message: String(message) })) : []));
}

async function refusal(answer: Response): Promise<ApiError> {
  const id = answer.headers.get("X-Request-Id") ?? "";
  const said: Refusal = await answer.json().catch(() => ({}));
  const first = said.errors?.[0];
  if (first) return new ApiError(first.message, answer.status, first.extensions?.code ?? "", id);
  const words = said.detail ?? Object.values(said).flat().join(" ");
  return new ApiError(String(words || `HTTP ${answer.status} ${answer.statusText}`), answer.status, "", id, fieldErrors(said));
}

let unauthenticated = () => {};

/** Has `told` called when a request is refused because nobody is logged in any more. */
export function onUnauthenticated(told: () => void): void {
  unauthenticated = told;
}

/**
 * Sends a request to a path of the server, with the reader's credentials unless told otherwise. Fails with an `ApiError`,
 * or with an `AbortError` when it is given up.
 */
export async function send(path: string, init: RequestInit = {}, who = credentials()): Promise<Response> {
  const headers = { ...who, ...(init.headers as Record<string, string> | undefined) };
  let answer: Response;
  try {
    answer = await fetch(ROOT + path, { ...init, headers });
  } catch (error) {
    if (isAborted(error)) throw error;
    throw new ApiError(error instanceof Error ? error.message : String(error), 0);
  }
  if (answer.ok) return answer;
  if (answer.status === 401) unauthenticated();
  throw await refusal(answer);
}

/** Sends a JSON body by POST. */
export function post(path: string, body: unknown, accept: string, signal?: AbortSignal): Promise<Response> {
  const headers = { "Content-Type": "application/json", Accept: accept };
  return send(path, { method: "POST", headers, body: JSON.stringify(body), signal: signal ?? null });
}
