// The nodes of an OPC UA server, or the tags of a controller, as far as they are known, and which of them are chosen.

import { nameOfNode, type StreamDraft, typeOfNode, BLANK_STREAM } from "./draft.ts";
import type { OpcuaNode } from "./types.ts";

/** Values can be had of variables alone. */
export function isVariable({ node_class }: OpcuaNode): boolean {
  return node_class === "Variable";
}

/** Copies a tree and puts in the children of one node. */
export function withChildren(root: OpcuaNode, nodeId: string, children: OpcuaNode[]): OpcuaNode {
  if (root.node_id === nodeId) return { ...root, children };
  return { ...root, children: root.children.map((child) => withChildren(child, nodeId, children)) };
}

/** A stream for a node. */
export function streamOf(node: OpcuaNode): StreamDraft {
  return {
    ...BLANK_STREAM,
    name: nameOfNode(node.node_id, node.display_name),
    path: node.node_id,
    type: typeOfNode(node.data_type ?? ""),
    accessMode: node.access?.includes("w") ? "rw" : "r",
  };
}

/** Letters of a number that a register can hold, the largest of 64 bits with its sign. */
const MOST_DIGITS = 21;

/** A value that a test has read as some type. Read in the wrong order, a number may have hundreds of digits: those are said in powers of ten. */
export function shortReading(value: string, type: string | null): string {
  const isLong = value.length > MOST_DIGITS && !/text|string/i.test(type ?? "") && Number.isFinite(Number(value));
  return isLong ? Number(value).toExponential(4) : value;
}

/** The value of a node in a few letters. */
export function shortValue(value: unknown): string {
  if (value === undefined || value === null) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
