// The nodes of an OPC UA server, or the tags of a controller: opened level by level, ticked, and made streams.

import { useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { graph, type UserError } from "../../api/graph.ts";
import { send } from "../../api/http.ts";
import { may } from "../../shell/session.ts";
import { useAction, useRequest } from "../../ui/request.ts";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { filled, type StreamDraft, streamInput } from "./draft.ts";
import { isKnown, type ProtocolName } from "./protocols.ts";
import { CREATE_STREAM, DEVICE, DEVICE_STREAMS } from "./queries.ts";
import { StreamRows } from "./StreamRows.tsx";
import { isVariable, shortValue, streamOf, withChildren } from "./tree.ts";
import type { OpcuaNode } from "./types.ts";
import { t } from "./words.ts";

/** One level below a node; without one, below the first node of the device. */
async function browse(device: string, node?: string, signal?: AbortSignal): Promise<OpcuaNode> {
  const from = node === undefined ? "" : `&node=${encodeURIComponent(node)}`;
  return (await send(`/api/device/${device}/browse/?depth=1${from}`, { signal: signal ?? null })).json();
}

interface TreeProps {
  nodes: OpcuaNode[];
  /** Nodes whose children are known, and shown. */
  opened: Set<string>;
  toggle: (node: OpcuaNode) => void;
  /** Paths that are streams of the device. */
  streams: Set<string>;
  chosen: Set<string>;
  choose: (node: OpcuaNode) => void;
}

function Tree(props: TreeProps) {
  const { nodes, opened, toggle, streams, chosen, choose } = props;
  return (
    <ul>
      {nodes.map((node) => {
        const isOpen = opened.has(node.node_id);
        const isStream = streams.has(node.node_id);
        return (
          <li key={node.node_id}>
            <span class="node">
              <button
                type="button"
                class="icon-button"
                aria-expanded={isOpen}
                aria-label={t("openNode", { name: node.display_name })}
                onClick={() => toggle(node)}
              >
                {isOpen ? "▾" : "▸"}
              </button>
              {isVariable(node) ? (
                <label>
                  <input type="checkbox" checked={isStream || chosen.has(node.node_id)} disabled={isStream} onChange={() => choose(node)} /> {node.display_name}
                </label>
              ) : (
                <span>{node.display_name}</span>
              )}
              <span class="muted small">
                {[node.data_type, shortValue(node.value), isStream ? t("isStream") : ""].filter(Boolean).join(" · ")}
              </span>
            </span>
            {isOpen && (node.children.length > 0 ? <Tree {...props} nodes={node.children} /> : <p class="muted small nothing-below">{t("nothingBelow")}</p>)}
          </li>
        );
      })}
    </ul>
  );
}

function useTree(id: string) {
  const request = useRequest((signal) => browse(id, undefined, signal), [id]);
  const [opened, setOpened] = useState<Set<string>>(new Set());
  const action = useAction();
  const toggle = (node: OpcuaNode) => {
    const next = new Set(opened);
    if (next.delete(node.node_id)) {
      setOpened(next);
      return;
    }
    action.run(async () => {
      const found = await browse(id, node.node_id);
      request.change((root) => withChildren(root, node.node_id, found.children));
      setOpened((known) => new Set(known).add(node.node_id));
    });
  };
  return { request, opened, toggle, action };
}

function ChosenNodes({ device, protocol, rows, change, made }: {
  device: number;
  protocol: ProtocolName;
  rows: StreamDraft[];
  change: (rows: StreamDraft[]) => void;
  made: () => void;
}) {
  const [errors, setErrors] = useState<UserError[][]>([]);
  const [said, setSaid] = useState("");
  const action = useAction();
  const create = async () => {
    const failed: [StreamDraft, UserError[]][] = [];
    for (const row of filled(rows)) {
      const { createStream } = await graph(CREATE_STREAM, { input: streamInput(row, device) });
      if (createStream.errors.length > 0) failed.push([row, createStream.errors]);
    }
    setSaid(t("streamsMade", { n: rows.length - failed.length }));
    setErrors(failed.map(([, found]) => found));
    change(failed.map(([row]) => row));
    made();
  };
  return (
    <section aria-labelledby="chosen">
      <h2 id="chosen">{t("chosenNodes")}</h2>
      {rows.length === 0 && <p class="muted">{t("chooseNodes")}</p>}
      {rows.length > 0 && (
        <>
          <StreamRows
            protocol={protocol}
            streams={rows}
            change={(next) => {
              change(next);
              setErrors([]);
            }}
            errors={errors}
            tested={[]}
          />
          <p class="links">
            <button type="button" class="primary" disabled={action.isRunning} onClick={() => action.run(create)}>
              {t("makeStreams", { n: rows.length })}
            </button>
          </p>
        </>
      )}
      <ErrorBox error={action.error} />
      <p role="status">{said}</p>
    </section>
  );
}

export default function BrowseDevice({ id }: { id: string }) {
  const device = useRequest(async (signal) => (await graph(DEVICE, { id: Number(id) }, signal)).device, [id]);
  const streams = useRequest(async (signal) => (await graph(DEVICE_STREAMS, { id, after: null }, signal)).streams.nodes, [id]);
  const { request, opened, toggle, action } = useTree(id);
  const [rows, setRows] = useState<StreamDraft[]>([]);
  const protocol = device.data && isKnown(device.data.protocol) ? device.data.protocol : "opcua";
  const chosen = new Set(rows.map(({ path }) => path));
  const choose = (node: OpcuaNode) => {
    setRows((known) => (chosen.has(node.node_id) ? known.filter(({ path }) => path !== node.node_id) : [...known, streamOf(node)]));
  };
  return (
    <div class="page">
      <Busy isBusy={request.isBusy || action.isRunning} />
      <p class="crumb">
        <a href={`${BASE}/devices/${id}`}>← {device.data?.name ?? t("devices")}</a>
      </p>
      <h1>{t("browse")}</h1>
      {device.data === null && <Empty title={t("noSuchDevice")} />}
      <ErrorBox error={device.error ?? streams.error} again={device.error ? device.reload : streams.reload} />
      <ErrorBox error={request.error ?? action.error} again={request.error ? request.reload : undefined} />
      {request.data && (
        <>
          {request.data.truncated && <p class="muted">{t("truncated")}</p>}
          <nav class="nodes" aria-label={t("nodes")}>
            <Tree
              nodes={request.data.children}
              opened={opened}
              toggle={toggle}
              streams={new Set(streams.data?.map(({ path }) => path))}
              chosen={chosen}
              choose={choose}
            />
          </nav>
          {may("data:write") && <ChosenNodes device={Number(id)} protocol={protocol} rows={rows} change={setRows} made={streams.reload} />}
        </>
      )}
    </div>
  );
}
