// Forms that work on a model and a range of its past. They are loaded after the scores, which are what the page is opened for.

import type { Range } from "../../chart/levels.ts";
import { may } from "../../shell/session.ts";
import { Calibrate } from "./Calibrate.tsx";
import { ModelSettings } from "./ModelSettings.tsx";
import { Reconstruction } from "./Reconstruction.tsx";
import { ScoreHistory } from "./ScoreHistory.tsx";
import type { Model } from "./types.ts";

export { ModelSettings };

interface Props {
  model: Model;
  range: Range;
  brush: Range | undefined;
  changed: () => void;
}

export function Work({ model, range, brush, changed }: Props) {
  return (
    <>
      {may("value:read") && <Reconstruction model={model} range={range} brush={brush} />}
      {may("system:write") && (
        <div class="two">
          <Calibrate model={model} brush={brush} changed={changed} />
          <ScoreHistory model={model} brush={brush} />
        </div>
      )}
    </>
  );
}
