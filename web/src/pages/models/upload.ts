// The form of an upload as the server takes it, and its fields by their names in REST.

/** Facts that the server reads in the files, before anything is stored. */
export interface UploadPreview {
  /** Samples of a window. */
  window: number;
  /** Values of a sample, one for each source. */
  features: number;
  /** Operators of the model, each once. */
  operators: string[];
}

export interface UploadFields {
  name: string;
  /** The model that gets another version, by its device; empty for a new model. */
  device: string;
  kind: string;
  sources: number[];
  interval: string;
  score: string;
  threshold: string;
  clearRatio: string;
  minWindows: string;
  output: string;
}

/** Names of the fields that the page shows. */
export const FIELDS = ["name", "model", "scaler", "model_type", "source", "interval", "score", "threshold", "clear_ratio", "min_windows", "output"];

/** Parts that are sent as text: what is empty is left to the server, and a decimal comma is a point. */
export function textParts(fields: UploadFields): [string, string][] {
  const number = (text: string) => text.trim().replace(",", ".");
  const parts: [string, string][] = [
    [fields.device ? "device_id" : "name", fields.device || fields.name.trim()],
    ["model_type", fields.kind],
    ["source", fields.sources.join(",")],
    ["interval", number(fields.interval)],
    ["score", fields.score],
    ["threshold", number(fields.threshold)],
    ["clear_ratio", number(fields.clearRatio)],
    ["min_windows", number(fields.minWindows)],
    ["output", number(fields.output)],
  ];
  return parts.filter(([, text]) => text !== "");
}
