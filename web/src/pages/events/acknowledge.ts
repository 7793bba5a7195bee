// Acknowledging events, all or none.

import { checkErrors, graph } from "../../api/graph.ts";
import { ACKNOWLEDGE } from "./queries.ts";

export async function acknowledge(ids: number[], note: string): Promise<void> {
  const { acknowledgeEvents } = await graph(ACKNOWLEDGE, { ids: ids.map(String), note: note.trim() || null });
  checkErrors(acknowledgeEvents.errors);
}
