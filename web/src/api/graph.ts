// GraphQL over HTTP. What an operation takes and answers is generated from the server's schema.

import type { Operations } from "../../generated/operations.ts";
import { ApiError, post, type UserError } from "./http.ts";

export type { UserError } from "./http.ts";

export type OperationName = keyof Operations;
export type Variables<Name extends OperationName> = Operations[Name]["variables"];
export type Data<Name extends OperationName> = Operations[Name]["data"];

/** The text of an operation, which says by its name what it takes and answers. */
export type Document<Name extends OperationName> = string & { readonly operation: Name };

interface Answer<T> {
  data?: T;
  errors?: { message: string; extensions?: { code?: string } }[];
}

/** Variables may be left out where all of them may. */
type Arguments<Name extends OperationName> = {} extends Variables<Name>
  ? [variables?: Variables<Name>, signal?: AbortSignal]
  : [variables: Variables<Name>, signal?: AbortSignal];

/** Runs an operation whose text was made for the occasion. Fails with the first error of the answer: half an answer is none. */
export async function graphText<T>(query: string, variables: object = {}, signal?: AbortSignal): Promise<T> {
  const answer = await post("/graphql", { query, variables }, "application/json", signal);
  const { data, errors } = (await answer.json()) as Answer<T>;
  const first = errors?.[0];
  if (first || !data) {
    const id = answer.headers.get("X-Request-Id") ?? "";
    throw new ApiError(first?.message ?? "no data", answer.status, first?.extensions?.code ?? "", id);
  }
  return data;
}

/** Runs an operation, as `graphText` does. */
export function graph<Name extends OperationName>(document: Document<Name>, ...[variables, signal]: Arguments<Name>): Promise<Data<Name>> {
  return graphText<Data<Name>>(document, variables, signal);
}

/** Fails with the mistakes that a mutation lists. */
export function checkErrors(errors: UserError[]): void {
  if (errors.length > 0) throw new ApiError(errors.map((error) => error.message).join(" "), 200, "INVALID");
}
