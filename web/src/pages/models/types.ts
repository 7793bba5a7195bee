// Models as their pages know them.

import type { Data } from "../../api/graph.ts";

export type ModelRow = Data<"Models">["models"]["nodes"][number];
export type Model = NonNullable<Data<"OneModel">["model"]>;
export type ModelStatus = Model["status"];
export type ModelState = ModelStatus["state"];
export type ModelVersion = Model["version"];
export type ModelWindow = NonNullable<NonNullable<Data<"ModelWindow">["model"]>["window"]>;
export type Job = Data<"ModelJobs">["jobs"]["nodes"][number];
