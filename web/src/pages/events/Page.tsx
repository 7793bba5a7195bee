// Events: filters as an address, acknowledging one or many.

import { useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { rows } from "../../api/rows.ts";
import { address, changeQuery } from "../../shell/router.ts";
import { may } from "../../shell/session.ts";
import { useRequest } from "../../ui/request.ts";
import { Filters as FilterLine, NoMatch } from "../../ui/Filters.tsx";
import { PageHead } from "../../ui/PageHead.tsx";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { isPhone } from "../../ui/phone.ts";
import { AckForm } from "./AckForm.tsx";
import { Density } from "./Density.tsx";
import { type Filters, parseFilters, useEvents } from "./list.ts";
import { NewNote } from "./NewNote.tsx";
import { KINDS } from "./queries.ts";
import { PhoneRow, ScreenRow } from "./Row.tsx";
import type { EventRow } from "./types.ts";
import { t } from "./words.ts";

function FilterBar({ filters, kinds }: { filters: Filters; kinds: string[] }) {
  const set = (name: string) => (event: { currentTarget: { value: string } }) => changeQuery({ [name]: event.currentTarget.value || null });
  const all = filters.kind && !kinds.includes(filters.kind) ? [filters.kind, ...kinds] : kinds;
  return (
    <FilterLine set={Object.values(filters).filter(Boolean).length}>
      <label>
        <span>{t("level")}</span>
        <select value={filters.level} onChange={set("level")}>
          <option value="">{t("anyLevel")}</option>
          <option value="critical">{t("levelCritical")}</option>
          <option value="error">{t("levelError")}</option>
          <option value="warning">{t("levelWarning")}</option>
          <option value="info">{t("levelInfo")}</option>
        </select>
      </label>
      <label>
        <span>{t("kind")}</span>
        <select value={filters.kind} onChange={set("kind")}>
          <option value="">{t("anyKind")}</option>
          {all.map((kind) => (
            <option key={kind} value={kind}>
              {kind}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>{t("searchText")}</span>
        <input type="search" value={filters.text} onChange={set("q")} />
      </label>
      <label>
        <span>{t("rangeFrom")}</span>
        <input placeholder="now-7d" value={filters.from} onChange={set("from")} spellcheck={false} />
      </label>
      <label>
        <span>{t("rangeTo")}</span>
        <input placeholder="now" value={filters.to} onChange={set("to")} spellcheck={false} />
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={filters.isOpenOnly}
          onChange={(event) => changeQuery({ open: event.currentTarget.checked ? "1" : null })}
        />{" "}
        {t("onlyOpen")}
      </label>
    </FilterLine>
  );
}

/** The address without any filter. */
const NO_FILTERS = { level: null, kind: null, q: null, device: null, from: null, to: null, open: null };
const COLUMNS = ["time", "level", "kind", "message", "device", "stream", "status"] as const;
/** The one column of a phone, whose cells tell by their parts what they have. */
const PHONE_COLUMNS = ["message"] as const;

interface TableProps {
  shown: EventRow[];
  /** Events that can be acknowledged, and of them those that are chosen. */
  open: number[];
  chosen: number[];
  setChosen: (chosen: number[]) => void;
  changed: () => void;
}

function Table({ shown, open, chosen, setChosen, changed }: TableProps) {
  const canWrite = may("event-log:write");
  const [columns, Row] = isPhone.value ? [PHONE_COLUMNS, PhoneRow] : [COLUMNS, ScreenRow];
  const toggle = (id: number) => setChosen(chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id]);
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label={t("events")}>
      <table>
        <thead>
          <tr>
            {canWrite && (
              <th scope="col">
                <input
                  type="checkbox"
                  aria-label={t("selectAll")}
                  checked={open.length > 0 && chosen.length === open.length}
                  onChange={(event) => setChosen(event.currentTarget.checked ? open : [])}
                />
              </th>
            )}
            {columns.map((word) => (
              <th scope="col" key={word}>
                {t(word)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((event) => (
            <Row
              key={event.rowId}
              event={event}
              isChosen={chosen.includes(event.rowId)}
              choose={() => toggle(event.rowId)}
              canWrite={canWrite}
              changed={changed}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

export default function Events() {
  const filters = parseFilters(address.value.query);
  const { shown, data, error, isBusy, reload, more } = useEvents(filters);
  const kinds = useRequest((signal) => rows<{ kind: string }>(KINDS, {}, signal), []);
  const [chosen, setChosen] = useState<number[]>([]);
  const [isNoting, setNoting] = useState(false);
  const canWrite = may("event-log:write");
  const open = shown?.filter((event) => !event.acknowledged).map((event) => event.rowId) ?? [];
  const valid = chosen.filter((id) => open.includes(id));
  const isFiltered = Object.values(filters).some(Boolean);
  const ruleLink = may("event-log:write") && (
    <a class="button" href={`${BASE}/rules`}>
      {t("rules")}
    </a>
  );
  const acknowledged = () => {
    setChosen([]);
    reload();
  };
  return (
    <div class="page">
      <Busy isBusy={isBusy} />
      <PageHead title={t("events")}>
        {canWrite && (
          <button type="button" onClick={() => setNoting(true)}>
            {t("addNote")}
          </button>
        )}
      </PageHead>
      <Density filters={filters} />
      <FilterBar filters={filters} kinds={(kinds.data ?? []).map(({ kind }) => kind)} />
      {isNoting && (
        <NewNote
          close={() => setNoting(false)}
          done={() => {
            setNoting(false);
            reload();
          }}
        />
      )}
      <ErrorBox error={error ?? kinds.error} again={reload} />
      {canWrite && valid.length > 0 && <AckForm ids={valid} label={t("ackSelected", { n: valid.length })} done={acknowledged} />}
      {shown?.length === 0 && isFiltered && <NoMatch clear={() => changeQuery(NO_FILTERS)} />}
      {shown?.length === 0 && !isFiltered && (
        <Empty title={t("eventsNone")} note={t("eventsNoneNote")}>
          {ruleLink}
        </Empty>
      )}
      {shown && shown.length > 0 && (
        <Table shown={shown} open={open} chosen={valid} setChosen={setChosen} changed={reload} />
      )}
      {data?.hasMore && (
        <button type="button" onClick={more}>
          {t("more100")}
        </button>
      )}
    </div>
  );
}
