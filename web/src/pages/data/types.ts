// Streams as the pages of data know them.

import type { Data } from "../../api/graph.ts";

export type DataStream = Data<"DataStreams">["streams"]["nodes"][number];
