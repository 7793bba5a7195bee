// The board on the overview, or the first values in its place; loaded when there is something to show.

import { isAway } from "../../api/http.ts";
import { BASE } from "../../api/root.ts";
import { Grid } from "../../board/Grid.tsx";
import { useBoardData } from "../../board/shared.ts";
import type { Board } from "../../board/types.ts";
import { ErrorBox } from "../../ui/parts.tsx";

/** Length of time that charts show here, milliseconds; the board itself shows longer times. */
const LENGTH = 3_600_000;

export type ShownBoard = Pick<Board, "uuid" | "name" | "layout">;

export function BoardView({ board }: { board: ShownBoard }) {
  const { shared, requests } = useBoardData(board.layout, LENGTH, 0, false);
  return (
    <section aria-labelledby="board">
      <h2 id="board">
        <a href={`${BASE}${board.uuid ? `/boards/${board.uuid}` : "/live"}`}>{board.name}</a>
      </h2>
      {requests.map(({ error, reload }, index) => (
        // That the server is away is said once, above.
        <ErrorBox key={index} error={isAway(error) ? undefined : error} again={reload} />
      ))}
      {shared && <Grid widgets={board.layout} shared={shared} />}
    </section>
  );
}
