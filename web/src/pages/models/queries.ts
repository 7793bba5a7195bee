// Operations and SQL of the pages of models.

import type { Document } from "../../api/graph.ts";

const STATUS = "status { state lastError lastScore isAnomalous position lag windows gaps late behind }";
const VERSION = "number createdAt modelType interval score threshold clearRatio minWindows model { name size } scaler { name size }";

export const MODELS = `query Models($after: String) {
  models(first: 200, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes { rowId enabled device { rowId name } sources { rowId name } version { number threshold score } ${STATUS} }
  }
}` as Document<"Models">;

export const MODEL = `query OneModel($id: Int!) {
  model(rowId: $id) {
    rowId enabled createdAt updatedAt
    device { rowId name } scores { rowId name } sources { rowId name unit device { name } }
    version { ${VERSION} } versions { ${VERSION} } ${STATUS}
  }
}` as Document<"OneModel">;

export const MODEL_EVENTS = `query ModelEvents($id: Int!) {
  model(rowId: $id) { events(first: 20) { nodes { rowId ts level kind message url source acknowledged payload device { rowId name } stream { rowId name } } } }
}` as Document<"ModelEvents">;

export const WINDOW = `query ModelWindow($id: Int!, $at: DateTime) {
  model(rowId: $id) { window(at: $at) { timestamps input reconstruction score } }
}` as Document<"ModelWindow">;

export const UPDATE = `mutation UpdateModel($id: Int!, $input: UpdateModelInput!) {
  updateModel(rowId: $id, input: $input) { errors { field message } }
}` as Document<"UpdateModel">;

export const ROLL_BACK = `mutation RollBackModel($id: Int!, $version: Int!) {
  rollBackModel(rowId: $id, version: $version) { errors { field message } }
}` as Document<"RollBackModel">;

export const CALIBRATE = `mutation CalibrateModel($id: Int!, $from: DateTime!, $to: DateTime!, $percentile: Float!) {
  calibrateModel(rowId: $id, from: $from, to: $to, percentile: $percentile) { errors { field message } threshold windows }
}` as Document<"CalibrateModel">;

export const SCORE = `mutation ScoreModel($id: Int!, $from: DateTime!, $to: DateTime!, $events: Boolean!) {
  scoreModel(rowId: $id, from: $from, to: $to, events: $events) { errors { field message } job { rowId } }
}` as Document<"ScoreModel">;

export const JOBS = `query ModelJobs {
  jobs(first: 50) { nodes { rowId kind modelRowId state progress error createdAt endedAt result } }
}` as Document<"ModelJobs">;

export const CANCEL = `mutation CancelModelJob($id: Int!) {
  cancelJob(rowId: $id) { errors { field message } }
}` as Document<"CancelModelJob">;

export const DELETE = `mutation DeleteModel($id: Int!) {
  deleteModel(rowId: $id) { errors { field message } }
}` as Document<"DeleteModel">;

/** Scores by bucket; what is above the threshold is seen however long the range is. */
export const SCORES = `SELECT time_bucket($step, ts) AS t, min(value) AS lo, max(value) AS hi
FROM readings
WHERE stream_id = $stream AND ts >= $from AND ts < $to AND value IS NOT NULL
GROUP BY 1
ORDER BY 1`;
