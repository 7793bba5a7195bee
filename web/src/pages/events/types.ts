// An event, as far as the event pages know it.

import type { Data } from "../../api/graph.ts";

export type EventRow = Data<"Events">["events"]["nodes"][number];
