// Statements that were run in this tab, the newest first. They are forgotten with the tab, and when somebody leaves.

import { STATEMENTS } from "../../shell/session.ts";

const MOST = 50;
/** Longer statements are not kept. */
const LONGEST = 10_000;

/** Puts a statement before the others, where it is once. */
export function withStatement(statements: string[], text: string): string[] {
  const one = text.trim();
  if (one === "" || one.length > LONGEST) return statements;
  return [one, ...statements.filter((other) => other !== one)].slice(0, MOST);
}

export function loadHistory(): string[] {
  const saved: unknown = JSON.parse(sessionStorage.getItem(STATEMENTS) ?? "[]");
  return Array.isArray(saved) ? saved.filter((one) => typeof one === "string") : [];
}

export function saveHistory(statements: string[]): void {
  sessionStorage.setItem(STATEMENTS, JSON.stringify(statements));
}
