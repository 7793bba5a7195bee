// The state of a model, by shape and word.

import type { ModelStatus } from "./types.ts";
import { t } from "./words.ts";

export function ModelSign({ status }: { status: Pick<ModelStatus, "state" | "isAnomalous"> }) {
  if (status.state === "failed") return <Sign name="state-offline" shape="✕" word={t("modelFailed")} />;
  if (status.isAnomalous) return <Sign name="state-degraded" shape="▲" word={t("modelAnomaly")} />;
  if (status.state === "disabled") return <Sign name="state-disabled" shape="○" word={t("stateDisabled")} />;
  if (status.state === "running") return <Sign name="state-online" shape="●" word={t("modelRuns")} />;
  return <Sign name="state-connecting" shape="◔" word={t(status.state === "starting" ? "modelStarts" : "modelCatchesUp")} />;
}

function Sign({ name, shape, word }: { name: string; shape: string; word: string }) {
  return (
    <span class={`sign ${name}`}>
      <span aria-hidden="true">{shape} </span>
      {word}
    </span>
  );
}
