// Models as their pages know them.

import type { Named } from "../../api/types.ts";

export type ModelState = "disabled" | "starting" | "catching_up" | "running" | "failed";

export interface ModelStatus {
  state: ModelState;
  lastError: string | null;
  lastScore: number | null;
  isAnomalous: boolean;
  position: string | null;
  lag: number | null;
  windows: number;
  gaps: number;
  late: number;
  behind: number;
}

export interface ModelFile {
  name: string;
  size: number;
}

export interface ModelVersion {
  number: number;
  createdAt: string;
  modelType: string;
  /** Seconds. */
  interval: number;
  score: string;
  threshold: number | null;
  clearRatio: number;
  minWindows: number;
  model: ModelFile;
  scaler: ModelFile;
}

export interface ModelRow {
  rowId: number;
  enabled: boolean;
  device: Named | null;
  sources: Named[];
  version: Pick<ModelVersion, "number" | "threshold" | "score">;
  status: ModelStatus;
}

export interface Model extends ModelRow {
  createdAt: string;
  updatedAt: string;
  scores: Named | null;
  sources: (Named & { unit: string; device: { name: string } | null })[];
  version: ModelVersion;
  versions: ModelVersion[];
}

export interface ModelWindow {
  timestamps: string[];
  input: number[][];
  reconstruction: number[][];
  score: number;
}

export interface Job {
  rowId: number;
  kind: string;
  modelRowId: number | null;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  progress: number;
  error: string | null;
  createdAt: string;
  endedAt: string | null;
  result: Record<string, unknown> | null;
}
