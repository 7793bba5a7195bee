// Alert rules, and the channels that they tell.

import { useEffect, useState } from "preact/hooks";
import { all } from "../../api/all.ts";
import { graph } from "../../api/graph.ts";
import type { Page } from "../../api/types.ts";
import { may } from "../../shell/session.ts";
import { useRequest } from "../../ui/request.ts";
import { formatCount, formatNumber } from "../../ui/format.ts";
import { PageHead } from "../../ui/PageHead.tsx";
import { Busy, Empty, ErrorBox, LevelSign } from "../../ui/parts.tsx";
import { Channels } from "./Channels.tsx";
import { Delete } from "./Delete.tsx";
import { CHANNELS, DELETE_RULE, DEVICES, RULES, STREAMS } from "./queries.ts";
import { EVALUATION_WORDS, OPERATOR_WORDS } from "./labels.ts";
import { RuleForm } from "./RuleForm.tsx";
import type { Rule, Source } from "./rule.ts";
import { t } from "./words.ts";

const LEVELS = { INFO: "info", WARNING: "warning", CRITICAL: "critical" } as const;

const NONE: Source[] = [];

const loadRules = (signal: AbortSignal) => all((after) => graph(RULES, { after }, signal).then(({ alertRules }) => alertRules as Page<Rule>));
const loadChannels = (signal: AbortSignal) => all((after) => graph(CHANNELS, { after }, signal).then(({ notificationChannels }) => notificationChannels));
const loadStreams = (signal: AbortSignal) => all((after) => graph(STREAMS, { after }, signal).then(({ streams }) => streams));
const loadDevices = (signal: AbortSignal) => all((after) => graph(DEVICES, { after }, signal).then(({ devices }) => devices));

/** The condition that a rule waits for, in words. */
function conditionWords({ evaluation, operator, threshold, windowSeconds }: Rule): string {
  if (evaluation === "NO_DATA") return t("silentFor", { seconds: windowSeconds ?? 0 });
  const compared = typeof threshold === "number" ? formatNumber(threshold) : String(threshold ?? "");
  const window = windowSeconds === null ? "" : t("over", { seconds: windowSeconds });
  return [t(EVALUATION_WORDS[evaluation]), operator && t(OPERATOR_WORDS[operator]), compared, window].filter(Boolean).join(" ");
}

function Row({ rule, edit, remove }: { rule: Rule; edit: () => void; remove: () => void }) {
  return (
    <tr>
      <th scope="row" class="nowrap">{rule.name}</th>
      <td>{rule.stream?.name ?? rule.device?.name ?? "–"}</td>
      <td class="nowrap">{conditionWords(rule)}</td>
      <td>
        <LevelSign level={LEVELS[rule.severity]} />
      </td>
      <td>{rule.enabled ? t("on") : t("off")}</td>
      <td class="number">{formatCount(rule.suppressedAlerts)}</td>
      {may("event-log:write") && (
        <td>
          <div class="buttons-row">
            <button type="button" aria-label={t("editRule", { name: rule.name })} onClick={edit}>
              {t("edit")}
            </button>
            <button type="button" aria-label={t("deleteRule", { name: rule.name })} onClick={remove}>
              {t("delete")}
            </button>
          </div>
        </td>
      )}
    </tr>
  );
}

type Open = { form: "edit"; rule?: Rule } | { form: "delete"; rule: Rule };

function Table({ rules, open }: { rules: Rule[]; open: (open: Open) => void }) {
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label={t("rules")}>
      <table>
        <thead>
          <tr>
            {(["name", "source", "condition", "severity", "status", "suppressed"] as const).map((word) => (
              <th scope="col" key={word} class={word === "suppressed" ? "number" : ""}>
                {t(word)}
              </th>
            ))}
            {may("event-log:write") && <td />}
          </tr>
        </thead>
        <tbody>
          {rules.map((rule) => (
            <Row key={rule.uuid} rule={rule} edit={() => open({ form: "edit", rule })} remove={() => open({ form: "delete", rule })} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Loads the streams and devices that a rule can watch when a form is opened first: there may be many thousands. */
function useSources(isNeeded: boolean) {
  const [isAsked, setAsked] = useState(false);
  useEffect(() => {
    if (isNeeded) setAsked(true);
  }, [isNeeded]);
  const streams = useRequest(async (signal) => (isAsked ? loadStreams(signal) : []), [isAsked]);
  const devices = useRequest(async (signal) => (isAsked ? loadDevices(signal) : []), [isAsked]);
  return { streams, devices };
}

export default function Rules() {
  const rules = useRequest(loadRules, []);
  const channels = useRequest(loadChannels, []);
  const [open, setOpen] = useState<Open>();
  const { streams, devices } = useSources(open?.form === "edit");
  const close = () => setOpen(undefined);
  const done = () => {
    close();
    rules.reload();
  };
  const add = may("event-log:write") && (
    <button type="button" class="primary" onClick={() => setOpen({ form: "edit" })}>
      {t("newRule")}
    </button>
  );
  return (
    <div class="page">
      <Busy isBusy={rules.isBusy} />
      <PageHead title={t("rules")} count={rules.data?.length}>
        {rules.data && rules.data.length > 0 && add}
      </PageHead>
      <ErrorBox error={rules.error ?? streams.error ?? devices.error} again={rules.error ? rules.reload : streams.error ? streams.reload : devices.reload} />
      {rules.data?.length === 0 && <Empty title={t("rulesNone")} note={t("rulesNoneNote")}>{add}</Empty>}
      {rules.data && rules.data.length > 0 && <Table rules={rules.data} open={setOpen} />}
      <Channels request={channels} />
      {open?.form === "edit" && (
        <RuleForm rule={open.rule} streams={streams.data ?? NONE} devices={devices.data ?? NONE} channels={channels.data ?? []} close={close} done={done} />
      )}
      {open?.form === "delete" && (
        <Delete
          title={t("deleteRule", { name: open.rule.name })}
          note={t("deleteRuleAsk")}
          mutation={DELETE_RULE}
          uuid={open.rule.uuid}
          close={close}
          done={done}
        />
      )}
    </div>
  );
}
