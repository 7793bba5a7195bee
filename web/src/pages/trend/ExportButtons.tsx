// Buttons that export what is drawn: as SQL, as files, as a picture, as a program, as a link.

import { useState } from "preact/hooks";
import { ROOT } from "../../api/root.ts";
import { fileOf, type FILES, sqlPage } from "../../api/rows.ts";
import { useAction } from "../../ui/request.ts";
import { CopyButton } from "../../ui/CopyButton.tsx";
import { saveFile } from "../../ui/file.ts";
import { Modal } from "../../ui/Modal.tsx";
import { ErrorBox } from "../../ui/parts.tsx";
import type { PictureWords } from "./picture.ts";
import { pythonOf } from "./python.ts";
import { t } from "./words.ts";

const FORMS: [keyof typeof FILES, "asCsv" | "asParquet" | "asArrow"][] = [["csv", "asCsv"], ["parquet", "asParquet"], ["arrows", "asArrow"]];

function Program({ statement, close }: { statement: string; close: () => void }) {
  const program = pythonOf(statement, location.origin + ROOT);
  return (
    <Modal title={t("asPython")} close={close}>
      <pre class="program" tabIndex={0}>{program}</pre>
      <p class="links">
        <CopyButton text={program} label={t("copy")} />
        <button type="button" onClick={close}>
          {t("close")}
        </button>
      </p>
    </Modal>
  );
}

/** `picture` says what stands on the picture; without one there is no chart to take. */
export function ExportButtons({ statement, picture }: { statement: string; picture: (() => PictureWords) | undefined }) {
  const { run, error, isRunning } = useAction();
  const [hasProgram, setProgram] = useState(false);
  const savePicture = async (words: PictureWords) => {
    const figure = document.querySelector<HTMLElement>("figure.charts");
    if (!figure) return;
    const { pictureOf } = await import("./picture.ts");
    saveFile(await pictureOf(figure, words), "trend.png");
  };
  return (
    <>
      <p class="links">
        <a class="button" href={sqlPage(statement)}>
          {t("asSql")}
        </a>
        {FORMS.map(([form, word]) => (
          <button key={form} type="button" disabled={isRunning} onClick={() => run(async () => saveFile(await fileOf(statement, form), `trend.${form}`))}>
            {t(word)}
          </button>
        ))}
        {picture && (
          <button type="button" disabled={isRunning} onClick={() => run(() => savePicture(picture()))}>
            {t("asPicture")}
          </button>
        )}
        <button type="button" onClick={() => setProgram(true)}>
          {t("asPython")}
        </button>
        <CopyButton text={location.href} label={t("copyLink")} />
      </p>
      <ErrorBox error={error} />
      {hasProgram && <Program statement={statement} close={() => setProgram(false)} />}
    </>
  );
}
