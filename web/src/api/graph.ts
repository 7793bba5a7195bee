// GraphQL over HTTP.

import { ApiError, post, type UserError } from "./http.ts";

export type { UserError } from "./http.ts";

interface Answer<T> {
  data?: T;
  errors?: { message: string; extensions?: { code?: string } }[];
}

/** Runs an operation. Fails with the first error of the answer: half an answer is none. */
export async function graph<T>(query: string, variables: object = {}, signal?: AbortSignal): Promise<T> {
  const answer = await post("/graphql", { query, variables }, "application/json", signal);
  const { data, errors } = (await answer.json()) as Answer<T>;
  const first = errors?.[0];
  if (first || !data) {
    const id = answer.headers.get("X-Request-Id") ?? "";
    throw new ApiError(first?.message ?? "no data", answer.status, first?.extensions?.code ?? "", id);
  }
  return data;
}

/** Fails with the mistakes that a mutation lists. */
export function checkErrors(errors: UserError[]): void {
  if (errors.length > 0) throw new ApiError(errors.map((error) => error.message).join(" "), 200, "INVALID");
}
