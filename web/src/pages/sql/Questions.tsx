// Questions that can be asked again: named queries of the server, the person's own questions, and what was run in this tab.

import { Fold } from "../../ui/Filters.tsx";
import { isPhone } from "../../ui/phone.ts";
import { maySave, type SavedQuestions, SavedList } from "./Saved.tsx";
import type { NamedQuery } from "./statement.ts";
import { t } from "./words.ts";

interface Props {
  queries: NamedQuery[];
  history: string[];
  saved: SavedQuestions;
  choose: (query: NamedQuery) => void;
  put: (text: string) => void;
}

export function Questions({ queries, history, saved, choose, put }: Props) {
  const lists = (
    <>
      <details open>
        <summary>{t("namedQueries")}</summary>
        <ul id="queries">
          {queries.map((query) => (
            <li key={query.name}>
              <button type="button" title={query.description} onClick={() => choose(query)}>
                {query.name}
              </button>
            </li>
          ))}
        </ul>
      </details>
      {maySave() && <SavedList saved={saved} put={put} />}
      <details>
        <summary>{t("history")}</summary>
        {history.length === 0 && <p class="muted small">{t("historyNone")}</p>}
        <ul id="history">
          {history.map((text) => (
            <li key={text}>
              <button type="button" class="mono" title={text} onClick={() => put(text)}>
                {text.replace(/\s+/g, " ")}
              </button>
            </li>
          ))}
        </ul>
      </details>
    </>
  );
  // On a phone the editor is above the fold.
  return (
    <aside class="questions" aria-label={t("questions")}>
      {isPhone.value ? <Fold title={t("questions")}>{lists}</Fold> : lists}
    </aside>
  );
}
