// Which certificates belong to a device.

import type { Certificate } from "./types.ts";

/** Certificates that the server of a device showed; those that nobody has decided on come first. */
export function certificatesOf(all: Certificate[], device: number): Certificate[] {
  const order = ["new", "rejected", "trusted"];
  const own = all.filter(({ devices }) => devices.some(({ rowId }) => rowId === device));
  return own.sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
}
