// What the event pages know of an event.

import type { Data } from "../../api/graph.ts";

export type EventRow = Data<"Events">["events"]["nodes"][number];
