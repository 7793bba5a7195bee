// Operations of the page of rules and channels.

import type { Document } from "../../api/graph.ts";

const RULE = `uuid name severity evaluation operator threshold windowSeconds cooldownSeconds autoResolve enabled channels suppressedAlerts version
  stream { rowId name } device { rowId name }`;
const CHANNEL = "uuid name type enabled url recipients documentVersion";

export const RULES = `query Rules($after: String) {
  alertRules(first: 200, after: $after, orderBy: NAME) { nodes { ${RULE} } pageInfo { hasNextPage endCursor } }
}` as Document<"Rules">;

export const CHANNELS = `query Channels($after: String) {
  notificationChannels(first: 200, after: $after, orderBy: NAME) { nodes { ${CHANNEL} } pageInfo { hasNextPage endCursor } }
}` as Document<"Channels">;

export const STREAMS = `query RuleStreams($after: String) {
  streams(first: 1000, after: $after, orderBy: NAME) { nodes { rowId name device { rowId name } } pageInfo { hasNextPage endCursor } }
}` as Document<"RuleStreams">;

export const DEVICES = `query RuleDevices($after: String) {
  devices(first: 1000, after: $after, orderBy: NAME) { nodes { rowId name } pageInfo { hasNextPage endCursor } }
}` as Document<"RuleDevices">;

export const CREATE_RULE = `mutation CreateRule($input: CreateAlertRuleInput!) {
  createAlertRule(input: $input) { errors { field message code } }
}` as Document<"CreateRule">;

export const UPDATE_RULE = `mutation UpdateRule($uuid: String!, $input: UpdateAlertRuleInput!, $version: Int) {
  updateAlertRule(uuid: $uuid, input: $input, version: $version) { errors { field message code } }
}` as Document<"UpdateRule">;

export const DELETE_RULE = "mutation DeleteRule($uuid: String!) { deleteAlertRule(uuid: $uuid) { errors { field message code } } }" as Document<"DeleteRule">;

export const DRY_RUN = `query DryRun($input: CreateAlertRuleInput!, $from: DateTime!, $to: DateTime!) {
  alertRuleDryRun(input: $input, from: $from, to: $to) {
    raised suppressed readings
    alerts { at message resolvedAt }
    errors { field message code }
  }
}` as Document<"DryRun">;

export const CREATE_CHANNEL = `mutation CreateChannel($input: CreateNotificationChannelInput!) {
  createNotificationChannel(input: $input) { errors { field message code } }
}` as Document<"CreateChannel">;

export const UPDATE_CHANNEL = `mutation UpdateChannel($uuid: String!, $input: UpdateNotificationChannelInput!, $version: Int) {
  updateNotificationChannel(uuid: $uuid, input: $input, version: $version) { errors { field message code } }
}` as Document<"UpdateChannel">;

export const DELETE_CHANNEL = `mutation DeleteChannel($uuid: String!) {
  deleteNotificationChannel(uuid: $uuid) { errors { field message code } }
}` as Document<"DeleteChannel">;

export const TEST_CHANNEL = `mutation TestChannel($uuid: String!) {
  testNotificationChannel(uuid: $uuid) { success error errors { field message code } }
}` as Document<"TestChannel">;
