// Which board the overview shows.

export interface ListedBoard {
  uuid: string;
  isDefault: boolean;
  updatedAt: string;
}

/** The default board, of several the one changed last. */
export function defaultOf(boards: ListedBoard[]): ListedBoard | undefined {
  return boards.filter(({ isDefault }) => isDefault).sort((a, b) => Date.parse(b.updatedAt) - Date.parse(a.updatedAt))[0];
}
