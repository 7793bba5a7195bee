// Values of the sources over a range, values that the model expected, and how much each source had in the scores.

import { useMemo, useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { send } from "../../api/http.ts";
import type { Range } from "../../chart/levels.ts";
import { PlainChart } from "../../chart/PlainChart.tsx";
import { useAction } from "../../ui/request.ts";
import { dateTime } from "../../ui/format.ts";
import { ErrorBox } from "../../ui/parts.tsx";
import { Progress } from "../../ui/Progress.tsx";
import { linesOf, type ReconstructionAnswer, reconstructionPath, sharesOf } from "./reconstruction.ts";
import type { Model } from "./types.ts";
import { t } from "./words.ts";

const whole = (time: number) => dateTime(Math.floor(time / 1000) * 1000);

interface Source {
  stream: number;
  name: string;
  unit: string;
  share: number | null;
}

function Shares({ sources }: { sources: Source[] }) {
  const ordered = [...sources].sort((a, b) => (b.share ?? 0) - (a.share ?? 0));
  return (
    <table class="narrow">
      <caption class="small muted">{t("sharesNote")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("stream")}</th>
          <th scope="col">{t("share")}</th>
        </tr>
      </thead>
      <tbody>
        {ordered.map(({ stream, name, share }) => (
          <tr key={stream}>
            <th scope="row">
              <a href={`${BASE}/streams/${stream}`}>{name}</a>
            </th>
            <td>{share === null ? "–" : <Progress of={share} label={t("shareOf", { name })} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Answer({ answer, range, model }: { answer: ReconstructionAnswer; range: Range; model: Model }) {
  const lines = useMemo(() => linesOf(answer), [answer]);
  const shares = useMemo(() => sharesOf(answer), [answer]);
  const sources = answer.sources.map((stream) => {
    const known = model.sources.find(({ rowId }) => rowId === stream);
    return { stream, name: known?.name ?? String(stream), unit: known?.unit ?? "", share: shares.get(stream) ?? null };
  });
  if (answer.windows.length === 0) return <p class="muted">{t("noReconstruction")}</p>;
  return (
    <>
      <p class="muted small">
        {whole(range.from)} – {whole(range.to)}
      </p>
      <Shares sources={sources} />
      <p class="chart-words small muted">
        <span>
          <span class="key" aria-hidden="true" /> {t("actual")}
        </span>
        <span>
          <span class="key dashed" aria-hidden="true" /> {t("expected")}
        </span>
      </p>
      {sources.map(({ stream, name, unit }) => {
        const { actual, expected, apart } = lines.get(stream) ?? { actual: [], expected: [], apart: Infinity };
        return (
          <div key={stream}>
            <h3>
              {name} <span class="muted">{unit}</span>
            </h3>
            <PlainChart
              range={range}
              lines={[{ points: actual }, { points: expected, isDashed: true }]}
              apart={apart}
              height={160}
              label={t("reconstructionOf", { name })}
            />
          </div>
        );
      })}
    </>
  );
}

/** The model computes each window of the range, so it is asked for by a button and not while the range moves. */
export function Reconstruction({ model, range, brush }: { model: Model; range: Range; brush: Range | undefined }) {
  const [shown, setShown] = useState<{ answer: ReconstructionAnswer; range: Range }>();
  const { run, error, isRunning } = useAction();
  const wanted = brush ?? range;
  const show = async () => {
    const answer = await send(reconstructionPath(model.rowId, wanted));
    setShown({ answer: await answer.json(), range: wanted });
  };
  return (
    <section aria-labelledby="reconstruction">
      <h2 id="reconstruction">{t("reconstructionHead")}</h2>
      <p class="muted">{t("reconstructionNote")}</p>
      <p class="links">
        <button type="button" disabled={isRunning} onClick={() => run(show)}>
          {t(brush ? "reconstructBrush" : "reconstruct")}
        </button>
        <span role="status" class="muted">
          {isRunning && t("computing")}
        </span>
      </p>
      <ErrorBox error={error} />
      {shown && <Answer answer={shown.answer} range={shown.range} model={model} />}
    </section>
  );
}
