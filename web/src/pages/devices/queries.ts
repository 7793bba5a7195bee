// Operations and SQL of the device pages.

import type { Document } from "../../api/graph.ts";

const STATUS = `status {
  state lastError lastSeen latencyP50Ms latencyP99Ms latenessP50Ms latenessP99Ms readings reads reconnects skipped
  errors { timeout refused protocol other }
}`;

export const DEVICES = `query Devices($after: String) {
  devices(first: 1000, after: $after, orderBy: NAME) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes { rowId name protocol host port status { state lastError lastSeen latencyP50Ms } }
  }
}` as Document<"Devices">;

export const DEVICE = `query OneDevice($id: Int!) {
  device(rowId: $id) {
    rowId name protocol host port unit enabled pollInterval timeout byteorder username metadata product { name }
    ${STATUS}
  }
}` as Document<"OneDevice">;

export const DEVICE_STREAMS = `query DeviceStreams($id: ID!, $after: String) {
  streams(device: $id, first: 1000, after: $after, orderBy: NAME) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes { rowId name unit type path enabled accessMode deadband latest { ts value text quality } }
  }
}` as Document<"DeviceStreams">;

export const LATEST = "query DeviceValues($streams: [ID!]) { latestValues(streams: $streams) { streamRowId ts value text quality } }" as Document<"DeviceValues">;

export const STATES = `subscription DeviceStates($devices: [ID!]) {
  deviceStates(devices: $devices) { device { rowId } state lastError lastSeen }
}` as Document<"DeviceStates">;

export const CREATE_DEVICE = `mutation CreateDevice($input: CreateDeviceInput!) {
  createDevice(input: $input) { errors { field message } device { rowId } }
}` as Document<"CreateDevice">;

export const UPDATE_DEVICE = `mutation UpdateDevice($id: Int!, $input: UpdateDeviceInput!) {
  updateDevice(rowId: $id, input: $input) { errors { field message } }
}` as Document<"UpdateDevice">;

export const DELETE_DEVICE = `mutation DeleteDevice($id: Int!) {
  deleteDevice(rowId: $id) { errors { field message } }
}` as Document<"DeleteDevice">;

export const CREATE_STREAM = `mutation CreateDeviceStream($input: CreateStreamInput!) {
  createStream(input: $input) { errors { field message } stream { rowId } }
}` as Document<"CreateDeviceStream">;

export const TEST_DEVICE = `mutation TestDevice($input: CreateDeviceInput!, $registers: [String!]!) {
  testDevice(input: $input, registers: $registers) {
    errors { field message }
    test { reached error connectMs roundTripMs registers { register error raw dataType values { type wordorder value } } }
  }
}` as Document<"TestDevice">;

export const CERTIFICATES = `query OpcuaCertificates {
  opcuaCertificates { fingerprint state subject validFrom validTo devices { rowId name } }
}` as Document<"OpcuaCertificates">;

export const DECIDE = `mutation DecideCertificate($fingerprint: String!, $state: OpcuaCertificateState!) {
  setOpcuaCertificateState(fingerprint: $fingerprint, state: $state) { errors { field message } }
}` as Document<"DecideCertificate">;

/** How much goes with a device. */
export const STORED_READINGS = `SELECT count(*) AS n, min(ts) AS first, max(ts) AS last
FROM readings WHERE stream_id IN (SELECT id FROM streams WHERE device_id = $device)`;
