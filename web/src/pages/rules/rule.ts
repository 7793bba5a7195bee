// Alert rules: what a form has, and what is sent of it.

import type { Data, UserError, Variables } from "../../api/graph.ts";

export const EVALUATIONS = ["VALUE", "AVG", "MIN", "MAX", "COUNT", "NO_DATA", "DEVICE_STATE"] as const;
export type Evaluation = (typeof EVALUATIONS)[number];
export const OPERATORS = ["GT", "GTE", "LT", "LTE", "EQ", "NEQ", "IS_TRUE", "IS_FALSE", "CONTAINS"] as const;
export type Operator = (typeof OPERATORS)[number];
export const SEVERITIES = ["INFO", "WARNING", "CRITICAL"] as const;
export type Severity = (typeof SEVERITIES)[number];
export const STATES = ["offline", "degraded", "connecting", "online", "disabled"] as const;

export interface RuleForm {
  name: string;
  severity: Severity;
  evaluation: Evaluation;
  operator: Operator;
  threshold: string;
  /** Row numbers as text; empty for none. */
  stream: string;
  device: string;
  window: string;
  cooldown: string;
  autoResolve: boolean;
  enabled: boolean;
  channels: string[];
}

/** A stream or device that a rule can watch. */
export interface Source {
  rowId: number;
  name: string;
  /** Of a stream. */
  device?: { rowId: number; name: string } | null;
}

export type RuleInput = Variables<"CreateRule">["input"];
type RuleNode = Data<"Rules">["alertRules"]["nodes"][number];

/** A rule; the schema has its choices as texts. */
export type Rule = Omit<RuleNode, "severity" | "evaluation" | "operator"> & { severity: Severity; evaluation: Evaluation; operator: Operator | null };

export const NEW_RULE: RuleForm = {
  name: "",
  severity: "WARNING",
  evaluation: "VALUE",
  operator: "GT",
  threshold: "",
  stream: "",
  device: "",
  window: "300",
  cooldown: "300",
  autoResolve: true,
  enabled: true,
  channels: [],
};

export function formOf(rule: Rule): RuleForm {
  return {
    name: rule.name,
    severity: rule.severity,
    evaluation: rule.evaluation,
    operator: rule.operator ?? "GT",
    threshold: rule.threshold === null || rule.threshold === undefined ? "" : String(rule.threshold),
    stream: rule.stream ? String(rule.stream.rowId) : "",
    device: rule.device ? String(rule.device.rowId) : "",
    window: String(rule.windowSeconds ?? 300),
    cooldown: String(rule.cooldownSeconds),
    autoResolve: rule.autoResolve,
    enabled: rule.enabled,
    channels: rule.channels,
  };
}

/** The comparisons that an evaluation has. */
export function operatorsOf(evaluation: Evaluation): readonly Operator[] {
  if (evaluation === "NO_DATA") return [];
  if (evaluation === "DEVICE_STATE") return ["EQ", "NEQ"];
  return evaluation === "VALUE" ? OPERATORS : OPERATORS.slice(0, 6);
}

export const needsWindow = (evaluation: Evaluation) => evaluation !== "VALUE";
export const needsThreshold = ({ evaluation, operator }: RuleForm) => evaluation !== "NO_DATA" && operator !== "IS_TRUE" && operator !== "IS_FALSE";

/** Threshold to compare with: text for states and CONTAINS, else a number with comma or point; undefined for what is neither. */
function thresholdOf(form: RuleForm): number | string | null | undefined {
  if (!needsThreshold(form)) return null;
  if (form.evaluation === "DEVICE_STATE" || form.operator === "CONTAINS") return form.threshold || undefined;
  const number = Number(form.threshold.replace(",", "."));
  return form.threshold.trim() !== "" && Number.isFinite(number) ? number : undefined;
}

function seconds(text: string): number | undefined {
  return /^\d+$/.test(text.trim()) ? Number(text) : undefined;
}

export interface Words {
  wrongThreshold: string;
  wrongSeconds: string;
  wrongStream: string;
  wrongDevice: string;
}

/** The input of the server, and what is wrong with the form before it is sent. */
export function inputOf(form: RuleForm, words: Words): { input: RuleInput; errors: UserError[] } {
  const { name, severity, evaluation, autoResolve, enabled, channels } = form;
  const errors: UserError[] = [];
  const wrong = (field: string, message: string) => errors.push({ field, message });
  const isOfDevice = evaluation === "DEVICE_STATE";
  const threshold = thresholdOf(form);
  const window = needsWindow(evaluation) ? seconds(form.window) : null;
  const cooldown = seconds(form.cooldown);
  if (threshold === undefined) wrong("threshold", words.wrongThreshold);
  if (window === undefined) wrong("windowSeconds", words.wrongSeconds);
  if (cooldown === undefined) wrong("cooldownSeconds", words.wrongSeconds);
  if (isOfDevice && !form.device) wrong("device", words.wrongDevice);
  if (!isOfDevice && !form.stream) wrong("stream", words.wrongStream);
  const operators = operatorsOf(evaluation);
  const operator = operators.includes(form.operator) ? form.operator : (operators[0] ?? null);
  const target = { stream: isOfDevice ? null : form.stream, device: isOfDevice ? form.device : null };
  const input = {
    name,
    severity,
    evaluation,
    operator,
    threshold,
    ...target,
    windowSeconds: window,
    cooldownSeconds: cooldown,
    autoResolve,
    enabled,
    channels,
  };
  return { input, errors };
}

/** The mistakes in a document; of one that somebody else has changed meanwhile, only that. */
export function refusals(errors: (UserError & { code: string })[], conflict: string): UserError[] {
  return errors.some(({ code }) => code === "CONFLICT") ? [{ field: null, message: conflict }] : errors;
}
