// The server's end of the live connection, as far as its client needs it: a WebSocket that takes every subscription.

interface Message {
  type: string;
  id?: string;
}

class Socket {
  static readonly OPEN = 1;
  /** The one that is open. */
  static open: Socket | undefined;
  readonly readyState = Socket.OPEN;
  readonly ids: string[] = [];
  onopen = () => {};
  onmessage: (event: { data: string }) => void = () => {};

  constructor() {
    Socket.open = this;
    queueMicrotask(() => this.onopen());
  }

  send(text: string): void {
    const { type, id } = JSON.parse(text) as Message;
    if (type === "connection_init") this.tell({ type: "connection_ack" });
    if (type === "subscribe" && id) this.ids.push(id);
  }

  tell(message: object): void {
    this.onmessage({ data: JSON.stringify(message) });
  }

  close(): void {
    if (Socket.open === this) Socket.open = undefined;
  }
}

/** Makes it the WebSocket that pages open. */
export function serve(): void {
  Object.assign(globalThis, { WebSocket: Socket, location: { protocol: "http:", host: "plant.test" }, sessionStorage: { getItem: () => "key" } });
}

/** Sends a message of the one subscription that goes on. */
export function tell(data: object): void {
  const { open } = Socket;
  if (open?.ids.length !== 1) throw new Error(`${open?.ids.length ?? 0} subscriptions go on`);
  open.tell({ type: "next", id: open.ids[0], payload: { data } });
}
