// Tag lists of other programs: what is sent of one, and what the server's report says of each of its lines.

import { send } from "../../api/http.ts";
import { may, me } from "../../shell/session.ts";
import { formatNumber } from "../../ui/format.ts";
import { t } from "./words.ts";

/** Outcomes of a line, in the order in which they are counted. */
export const OUTCOMES = ["added", "unchanged", "replaced", "left_out"] as const;
export type TagOutcome = (typeof OUTCOMES)[number];

/** Settings that a stream has from a list. */
export interface TagSettings {
  path: string;
  type: string;
  unit: string;
  scale: number;
  offset: number;
  description: string;
}

export interface TagLine {
  line: number;
  name: string;
  outcome: TagOutcome;
  /** Name of the stream; null for a line that is left out. */
  stream: string | null;
  settings: TagSettings | null;
  differences: { field: string; stream: string; list: string }[];
  remark: string | null;
}

/** Numbers of lines by their outcomes, and the lines. */
export type TagListReport = Record<TagOutcome, number> & {
  /** Whether the streams were made. */
  applied: boolean;
  format: "kepserver" | "tia_portal" | "studio5000" | "plain";
  separator: "comma" | "semicolon" | "tab";
  encoding: string;
  lines: TagLine[];
};

/** A list as it is sent: a file as it is, since the server finds out its encoding, or text that was pasted. */
export type TagListContent = File | string;

/** Whether the caller may import a list: a key of some devices or streams alone makes no others. */
export function mayImportTags(): boolean {
  return may("device:read") && may("data:write") && me.value?.restricted === false;
}

/** Has the server plan a list, or make its streams. It is sent unchanged both times, so that the plan is what happens. */
export async function sendTagList(device: string, content: TagListContent, isDryRun: boolean): Promise<TagListReport> {
  const headers = { "Content-Type": "text/plain" };
  return (await send(`/api/device/${device}/tag-list/?dry_run=${isDryRun}`, { method: "POST", headers, body: content })).json();
}

/** Lines of one outcome, or all of them. */
export function linesOf(report: TagListReport, outcome: TagOutcome | ""): TagLine[] {
  return outcome === "" ? report.lines : report.lines.filter((line) => line.outcome === outcome);
}

/** Outcomes that lines of the report have. */
export function outcomesOf(report: TagListReport): TagOutcome[] {
  return OUTCOMES.filter((outcome) => report[outcome] > 0);
}

function settingsText({ path, type, unit, scale, offset, description }: TagSettings): string {
  const factor = scale === 1 ? "" : `× ${formatNumber(scale)}`;
  const shift = offset === 0 ? "" : `${offset < 0 ? "−" : "+"} ${formatNumber(Math.abs(offset))}`;
  const parts = [path, type, unit, factor, shift, description];
  return parts.filter(Boolean).join(" · ");
}

/** Details of a line behind its outcome, in sentences of their own. */
export function detailsOf({ name, stream, settings, differences, remark }: TagLine): string[] {
  const differing = differences.map(({ field, stream, list }) => t("tagDifference", { field, stream: stream || "–", list: list || "–" }));
  const other = stream !== null && stream !== name ? t("tagStream", { name: stream }) : "";
  return [other, settings === null ? "" : settingsText(settings), ...differing, remark ?? ""].filter(Boolean);
}
