// The lines of a tag list with what became of each: of one outcome or all, so many at first and more on demand.

import { useState } from "preact/hooks";
import { formatCount } from "../../ui/format.ts";
import { isPhone } from "../../ui/phone.ts";
import { detailsOf, linesOf, outcomesOf, type TagLine, type TagListReport, type TagOutcome } from "./tagList.ts";
import { t } from "./words.ts";

const PART = 100;
const WORDS = { added: "tagAdded", unchanged: "tagUnchanged", replaced: "tagReplaced", left_out: "tagLeftOut" } as const;
/** They differ by shape: what is left out is what somebody looks for. */
const SIGNS: Record<TagOutcome, string> = { added: "+", unchanged: "=", replaced: "↻", left_out: "✕" };

function Outcome({ of }: { of: TagOutcome }) {
  return (
    <span class={of === "left_out" ? "sign error-text" : "sign"}>
      <span aria-hidden="true">{SIGNS[of]} </span>
      {t(WORDS[of])}
    </span>
  );
}

function Details({ line }: { line: TagLine }) {
  return (
    <>
      {detailsOf(line).map((text) => (
        <div key={text}>{text}</div>
      ))}
    </>
  );
}

function Row({ line }: { line: TagLine }) {
  return (
    <tr>
      <td class="number">{line.line}</td>
      <th scope="row">
        {line.name || "–"}
        {isPhone.value && (
          <div class="small muted">
            <Outcome of={line.outcome} />
            <Details line={line} />
          </div>
        )}
      </th>
      {!isPhone.value && (
        <>
          <td>
            <Outcome of={line.outcome} />
          </td>
          <td class="message">
            <Details line={line} />
          </td>
        </>
      )}
    </tr>
  );
}

export function TagListLines({ report }: { report: TagListReport }) {
  const [wanted, setOutcome] = useState<TagOutcome | "">("");
  const [count, setCount] = useState(PART);
  const outcome = wanted !== "" && report[wanted] > 0 ? wanted : "";
  const lines = linesOf(report, outcome);
  return (
    <>
      <p>
        <label>
          {t("tagShown")}{" "}
          <select
            value={outcome}
            onChange={(event) => {
              setOutcome(event.currentTarget.value as TagOutcome | "");
              setCount(PART);
            }}
          >
            <option value="">
              {t("all")} ({formatCount(report.lines.length)})
            </option>
            {outcomesOf(report).map((one) => (
              <option key={one} value={one}>
                {t(WORDS[one])} ({formatCount(report[one])})
              </option>
            ))}
          </select>
        </label>
      </p>
      <div class="table-wrap tag-lines" tabIndex={0} role="region" aria-label={t("tagShown")}>
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                {t("tagLine")}
              </th>
              <th scope="col">{t("name")}</th>
              {!isPhone.value && (
                <>
                  <th scope="col">{t("tagBecomes")}</th>
                  <th scope="col">{t("tagDetails")}</th>
                </>
              )}
            </tr>
          </thead>
          <tbody>
            {lines.slice(0, count).map((line) => (
              <Row key={`${line.line} ${line.name}`} line={line} />
            ))}
          </tbody>
        </table>
      </div>
      {lines.length > count && (
        <p class="links">
          <button type="button" onClick={() => setCount(count + PART)}>
            {t("more100")}
          </button>
          <span class="muted small">{t("shownOf", { shown: formatCount(count), total: formatCount(lines.length) })}</span>
        </p>
      )}
    </>
  );
}
