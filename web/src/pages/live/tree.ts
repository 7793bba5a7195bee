// The tree beside the table: devices, and in each the groups that the dots of names make.

export interface LiveStream {
  id: number;
  name: string;
  unit: string;
  type: string;
  access_mode: "r" | "rw";
  protocol: string;
  device_id: number;
  device: string;
  interval_s: number | null;
  deadband: number | null;
  ts: string | null;
  value: number | null;
  text: string | null;
  quality: "good" | "uncertain" | "bad" | null;
}

export interface Branch {
  id: number;
  name: string;
  count: number;
  /** Begins of names up to the first dot, and how many streams have each. */
  groups: [string, number][];
}

function groupOf(name: string): string | undefined {
  const dot = name.indexOf(".");
  return dot > 0 ? name.slice(0, dot) : undefined;
}

export function treeOf(streams: LiveStream[]): Branch[] {
  const branches = new Map<number, { name: string; count: number; groups: Map<string, number> }>();
  for (const { device_id, device, name } of streams) {
    const branch = branches.get(device_id) ?? { name: device, count: 0, groups: new Map<string, number>() };
    branch.count += 1;
    const group = groupOf(name);
    if (group !== undefined) branch.groups.set(group, (branch.groups.get(group) ?? 0) + 1);
    branches.set(device_id, branch);
  }
  return [...branches].map(([id, { name, count, groups }]) => ({ id, name, count, groups: [...groups] }));
}

export interface LiveFilter {
  device: number | undefined;
  group: string;
  text: string;
}

export function matches(stream: LiveStream, { device, group, text }: LiveFilter): boolean {
  if (device !== undefined && stream.device_id !== device) return false;
  if (group !== "" && groupOf(stream.name) !== group) return false;
  const wanted = text.toLowerCase();
  return stream.name.toLowerCase().includes(wanted) || stream.device.toLowerCase().includes(wanted);
}

/** An unchanged value of a stream with a deadband is stored after ten minutes at the latest; half as much more may pass. */
const DEADBAND_SILENCE = 900_000;

/**
 * Whether the newest reading is older than it should be: three intervals, or the longest silence of a deadband. Of OPC UA
 * an unchanged value is stored as seldom.
 */
export function isStale({ ts, interval_s, deadband, protocol }: LiveStream, present: number): boolean {
  if (ts === null || interval_s === null) return false;
  const storesChanges = deadband !== null || protocol === "opcua";
  const allowed = storesChanges ? DEADBAND_SILENCE : Math.max(3000, interval_s * 3000);
  return present - Date.parse(ts) > allowed;
}
