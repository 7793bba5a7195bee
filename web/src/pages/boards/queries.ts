// Operations of the boards.

import type { Document } from "../../api/graph.ts";

const BOARD = "rowId uuid name description isDefault documentVersion updatedAt createdBy layout { id type x y w h config }";

export const BOARDS = `query Boards($after: String) {
  dashboards(first: 200, after: $after, orderBy: NAME) {
    nodes { uuid name description isDefault updatedAt createdBy layout { id } }
    pageInfo { hasNextPage endCursor }
  }
}` as Document<"Boards">;

export const BOARD_BY_ID = `query OneBoard($uuid: String!) { dashboard(uuid: $uuid) { ${BOARD} } }` as Document<"OneBoard">;

export const CREATE_BOARD = `mutation CreateBoard($input: CreateDashboardInput!) {
  createDashboard(input: $input) { dashboard { uuid } errors { field message code } }
}` as Document<"CreateBoard">;

export const UPDATE_BOARD = `mutation UpdateBoard($uuid: String!, $input: UpdateDashboardInput!, $version: Int) {
  updateDashboard(uuid: $uuid, input: $input, version: $version) { dashboard { ${BOARD} } errors { field message code } }
}` as Document<"UpdateBoard">;

export const DELETE_BOARD = "mutation DeleteBoard($uuid: String!) { deleteDashboard(uuid: $uuid) { errors { field message } } }" as Document<"DeleteBoard">;

export const KIOSK_KEY = `mutation KioskKey($input: CreateKeyInput!) {
  createKey(input: $input) { secret errors { field message } }
}` as Document<"KioskKey">;
