// A list of tags that another program exports, made streams of a device: chosen or pasted, checked line by line, imported.

import { useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { graph } from "../../api/graph.ts";
import { useAction, useRequest } from "../../ui/request.ts";
import { Field } from "../../ui/Field.tsx";
import { formatCount } from "../../ui/format.ts";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { DEVICE } from "./queries.ts";
import { mayImportTags, sendTagList, type TagListContent, type TagListReport } from "./tagList.ts";
import { TagListLines } from "./TagListLines.tsx";
import { t } from "./words.ts";

interface SourceProps {
  /** Called with another list, or undefined when there is none. */
  change: (content: TagListContent | undefined) => void;
}

/** A file or pasted text, whichever came last. */
function Source({ change }: SourceProps) {
  const [text, setText] = useState("");
  /** A file input cannot be emptied but by another one. */
  const [turn, setTurn] = useState(0);
  const choose = (file: File | undefined) => {
    setText("");
    change(file);
  };
  const paste = (pasted: string) => {
    setText(pasted);
    setTurn((before) => before + 1);
    change(pasted.trim() === "" ? undefined : pasted);
  };
  return (
    <>
      <Field label={t("tagFile")} hint={t("tagFileHint")}>
        <input key={turn} type="file" accept=".csv,.txt,.tsv,text/csv,text/plain" onChange={(event) => choose(event.currentTarget.files?.[0])} />
      </Field>
      <Field label={t("tagText")}>
        <textarea class="mono" rows={8} wrap="off" spellcheck={false} value={text} onInput={(event) => paste(event.currentTarget.value)} />
      </Field>
    </>
  );
}

const FORMATS = { kepserver: "KEPServerEX", tia_portal: "TIA Portal", studio5000: "Studio 5000" } as const;
const SEPARATORS = { comma: "tagComma", semicolon: "tagSemicolon", tab: "tagTab" } as const;

/** Says what became of the list, or would become. */
function outcomeText({ applied, added, replaced }: TagListReport): string {
  if (applied) return t("streamsMade", { n: formatCount(added + replaced) });
  return added === 0 ? t("tagNothing") : t("tagPlanned", { n: formatCount(added) });
}

/** How the list was read. */
function formText({ format, separator, encoding }: TagListReport): string {
  const name = format === "plain" ? t("tagPlain") : FORMATS[format];
  return t("tagRead", { format: name, encoding, separator: t(SEPARATORS[separator]) });
}

function Import({ device }: { device: string }) {
  const [content, setContent] = useState<TagListContent>();
  const [answer, setAnswer] = useState<{ of: TagListContent; report: TagListReport }>();
  const action = useAction();
  const request = (isDryRun: boolean) => {
    if (content === undefined) return;
    action.run(async () => setAnswer({ of: content, report: await sendTagList(device, content, isDryRun) }));
  };
  // Of another list than the one that is shown it says nothing.
  const report = answer && answer.of === content ? answer.report : undefined;
  return (
    <>
      <Busy isBusy={action.isRunning} />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          request(true);
        }}
      >
        <Source change={setContent} />
        <p class="links">
          <button class="primary" disabled={content === undefined || action.isRunning}>
            {t("tagCheck")}
          </button>
        </p>
      </form>
      <ErrorBox error={action.error} />
      <p role="status">{report && outcomeText(report)}</p>
      {report && (
        <section aria-labelledby="tag-lines">
          <h2 id="tag-lines">{t(report.applied ? "tagOutcome" : "tagPlan")}</h2>
          <p class="muted">{formText(report)}</p>
          {!report.applied && report.added > 0 && (
            <p class="links">
              <button type="button" class="primary" disabled={action.isRunning} onClick={() => request(false)}>
                {t("makeStreams", { n: formatCount(report.added) })}
              </button>
            </p>
          )}
          <TagListLines report={report} />
        </section>
      )}
    </>
  );
}

export default function TagListPage({ id }: { id: string }) {
  const { data, error, isBusy, reload } = useRequest(async (signal) => (await graph(DEVICE, { id: Number(id) }, signal)).device, [id]);
  const isAllowed = mayImportTags();
  return (
    <div class="page">
      <Busy isBusy={isBusy && !data} />
      <p class="crumb">
        <a href={`${BASE}/devices/${id}`}>← {data?.name ?? t("devices")}</a>
      </p>
      <h1>{t("tagList")}</h1>
      <ErrorBox error={error} again={reload} />
      {data === null && <Empty title={t("noSuchDevice")} />}
      {data && !isAllowed && <Empty title={t("forbidden")} note="device:read, data:write" />}
      {data && isAllowed && (
        <>
          <p class="muted">{t("tagNote")}</p>
          <Import key={id} device={id} />
        </>
      )}
    </div>
  );
}
