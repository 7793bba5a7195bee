// Which board the overview shows.

import type { Widget } from "../../board/widgets.ts";

export interface ListedBoard {
  uuid: string;
  isDefault: boolean;
  updatedAt: string;
}

/** The default board, of several the one changed last. */
export function defaultOf(boards: ListedBoard[]): ListedBoard | undefined {
  return boards.filter(({ isDefault }) => isDefault).sort((a, b) => Date.parse(b.updatedAt) - Date.parse(a.updatedAt))[0];
}

export interface NamedStream {
  uuid: string;
  name: string;
  device: string;
}

/** Values of streams in rows of four, for an organization without a default board. Of one name they are told apart by their devices. */
export function firstValues(streams: NamedStream[]): Widget[] {
  return streams.map(({ uuid, name, device }, n) => {
    const isAlone = streams.every((other) => other.name !== name || other.uuid === uuid);
    const config = { sensorIds: [uuid], ...(isAlone ? {} : { title: `${device} ${name}` }) };
    return { id: uuid, type: "STAT", x: (n % 4) * 6, y: Math.floor(n / 4) * 3, w: 6, h: 3, config };
  });
}
