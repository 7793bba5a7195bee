// SQL: an editor, what can be asked again, and the answer as chart, table and file.

import { useState } from "preact/hooks";
import { send } from "../../api/http.ts";
import { sqlPage } from "../../api/rows.ts";
import { useAction, useRequest } from "../../ui/request.ts";
import { CopyButton } from "../../ui/CopyButton.tsx";
import { formatCount } from "../../ui/format.ts";
import { Busy, ErrorBox } from "../../ui/parts.tsx";
import { Result } from "./Answer.tsx";
import { download, type Form, FORMS } from "./answer.ts";
import { loadHistory, saveHistory, withStatement } from "./history.ts";
import { Questions } from "./Questions.tsx";
import { maySave, QuestionDialog, useSaved } from "./Saved.tsx";
import { trendOf } from "./series.ts";
import { type QueryParameter, type NamedQuery, namesIn, questionOf } from "./statement.ts";
import { useEditor } from "./useEditor.ts";
import { type StatementRun, useStatement } from "./useStatement.ts";
import { t } from "./words.ts";

const FIRST_TEXT = "SELECT * FROM latest ORDER BY ts DESC LIMIT 100";

/** A link from another page brings its statement behind `#`, which is never sent; it is shown and not run. */
function firstText(): string {
  return new URLSearchParams(location.hash.slice(1)).get("q") ?? FIRST_TEXT;
}

function Params({ names, declared, given, set }: {
  names: string[];
  declared: QueryParameter[];
  given: Record<string, string>;
  set: (name: string, value: string) => void;
}) {
  return (
    <div class="params" role="group" aria-label={t("parameters")} hidden={names.length === 0}>
      {names.map((name) => {
        const param = declared.find((one) => one.name === name);
        return (
          <label key={name}>
            {name}
            <input
              name={name}
              value={given[name] ?? ""}
              required={param?.required ?? false}
              placeholder={!param ? "" : param.required ? param.type : String(param.default)}
              autocomplete="off"
              spellcheck={false}
              onInput={(event) => set(name, event.currentTarget.value)}
            />
          </label>
        );
      })}
    </div>
  );
}

function statusWords({ state, answer, took }: StatementRun): string {
  if (state === "asking") return t("asking");
  if (state === "cancelled") return t("stopped");
  if (!answer) return "";
  if (answer.rows.length === 1) return t("rowIn", { time: took ?? 0 });
  return t(answer.isWhole ? "rowsIn" : "firstRowsIn", { n: formatCount(answer.rows.length), time: took ?? 0 });
}

function Downloads({ save }: { save: (form: Form) => Promise<void> }) {
  const { run, error, isRunning } = useAction();
  return (
    <span class="download" role="group" aria-label={t("download")}>
      <span class="muted">{t("download")}</span>
      {(Object.keys(FORMS) as Form[]).map((form) => (
        <button key={form} type="button" disabled={isRunning} onClick={() => run(() => save(form))}>
          {FORMS[form].label}
        </button>
      ))}
      <ErrorBox error={error} />
    </span>
  );
}

export default function Sql() {
  const queries = useRequest<NamedQuery[]>(async (signal) => (await send("/sql/queries", { signal })).json(), []);
  const [chosen, setChosen] = useState<NamedQuery>();
  const [given, setGiven] = useState<Record<string, string>>({});
  const [history, setHistory] = useState(loadHistory);
  const saved = useSaved();
  const [isSaving, setSaving] = useState(false);
  const { current, run, cancel } = useStatement();
  const start = (statement: string, query: NamedQuery | undefined) => {
    const kept = withStatement(history, statement);
    setHistory(kept);
    saveHistory(kept);
    void run(questionOf(statement, query, given));
  };
  const editor = useEditor(firstText(), () => start(editor.text, chosen));
  const isNamed = chosen !== undefined && editor.text === chosen.query;
  const names = isNamed ? chosen.params.map((param) => param.name) : namesIn(editor.text);
  const choose = (query: NamedQuery) => {
    setChosen(query);
    editor.put(query.query);
    if (!query.params.some((param) => param.required)) start(query.query, query);
  };
  const rows = current.answer?.rows ?? [];
  const trend = trendOf(rows);
  return (
    <div class="page sql">
      <Busy isBusy={queries.isBusy || current.state === "asking"} />
      <h1>{t("sql")}</h1>
      <div class="sql-columns">
        <Questions queries={queries.data ?? []} history={history} saved={saved} choose={choose} put={editor.put} />
        <form
          class="question"
          onSubmit={(event) => {
            event.preventDefault();
            start(editor.text, chosen);
          }}
        >
          <ErrorBox error={queries.error} again={queries.reload} />
          <div class="editor" ref={editor.place} />
          <p class="small muted">{t("editorHint")}</p>
          <Params names={names} declared={isNamed ? chosen.params : []} given={given} set={(name, value) => setGiven({ ...given, [name]: value })} />
          <div class="links">
            <button class="primary" aria-keyshortcuts="Control+Enter">
              {t("run")}
            </button>
            {current.state === "asking" && (
              <button type="button" onClick={cancel}>
                {t("cancel")}
              </button>
            )}
            {maySave() && (
              <button type="button" onClick={() => setSaving(true)}>
                {t("saveQuestion")}
              </button>
            )}
            {trend && (
              <a class="button" href={trend}>
                {t("chartInTrend")}
              </a>
            )}
            <CopyButton text={`${location.origin}${sqlPage(editor.text)}`} label={t("copyLinkTo")} />
            <Downloads save={(form) => download(questionOf(editor.text, chosen, given), form)} />
          </div>
          <p id="status" role="status">
            {statusWords(current)}
          </p>
          <ErrorBox error={current.error} />
          {current.answer && <Result rows={rows} />}
        </form>
      </div>
      {isSaving && <QuestionDialog saved={saved} question={undefined} statement={editor.text} close={() => setSaving(false)} />}
    </div>
  );
}
