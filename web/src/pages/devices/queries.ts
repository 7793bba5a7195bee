// What the device pages ask for.

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
}`;

export const DEVICE = `query OneDevice($id: Int!) {
  device(rowId: $id) {
    rowId name protocol host port unit enabled pollInterval timeout byteorder product { name }
    ${STATUS}
  }
}`;

export const DEVICE_STREAMS = `query DeviceStreams($id: ID!, $after: String) {
  streams(device: $id, first: 500, after: $after, orderBy: NAME) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes { rowId name unit type path enabled accessMode deadband latest { ts value text quality } }
  }
}`;

export const STATES = `subscription DeviceStates($devices: [ID!]) {
  deviceStates(devices: $devices) { device { rowId } state lastError lastSeen }
}`;
