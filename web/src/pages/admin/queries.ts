// Operations of the pages of the administration.

import type { Document } from "../../api/graph.ts";

const KEY = "rowId name prefix scopes enabled createdAt expiresAt lastUsedAt allowedDevices allowedData allowedDashboards";

export const KEYS = `query Keys($after: String) {
  keys(first: 500, after: $after) { nodes { ${KEY} } pageInfo { hasNextPage endCursor } }
}` as Document<"Keys">;

export const CREATE_KEY = `mutation CreateKey($input: CreateKeyInput!) {
  createKey(input: $input) { secret key { ${KEY} } errors { field message } }
}` as Document<"CreateKey">;

export const REVOKE_KEY = "mutation RevokeKey($id: Int!) { revokeKey(rowId: $id) { errors { field message } } }" as Document<"RevokeKey">;

export const RETENTION = "query Retention { retention { table dropAfter } }" as Document<"Retention">;

export const SET_RETENTION = `mutation SetRetention($table: RetentionTable!, $dropAfter: BigInt, $dryRun: Boolean!) {
  setRetention(table: $table, dropAfter: $dropAfter, dryRun: $dryRun) {
    forecast { before rows files bytes }
    errors { field message }
  }
}` as Document<"SetRetention">;

const USER = "rowId username role enabled createdAt";

export const USERS = `query Users($after: String) {
  users(first: 500, after: $after) { nodes { ${USER} } pageInfo { hasNextPage endCursor } }
}` as Document<"Users">;

export const CREATE_USER = `mutation CreateUser($input: CreateUserInput!) {
  createUser(input: $input) { user { rowId } errors { field message } }
}` as Document<"CreateUser">;

export const UPDATE_USER = `mutation UpdateUser($id: Int!, $input: UpdateUserInput!) {
  updateUser(rowId: $id, input: $input) { user { rowId } errors { field message } }
}` as Document<"UpdateUser">;

export const DELETE_USER = "mutation DeleteUser($id: Int!) { deleteUser(rowId: $id) { errors { field message } } }" as Document<"DeleteUser">;
