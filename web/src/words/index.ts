// The words of the reader's language.

import { computed, signal } from "@preact/signals";
import { de } from "./de.ts";
import { en, type WordKey } from "./en.ts";

export type { WordKey } from "./en.ts";
export type Language = "en" | "de";

const SAVED = "basalt.language";
const DICTIONARIES: Record<Language, Record<WordKey, string>> = { en, de };

function preferred(): Language {
  const saved = localStorage.getItem(SAVED);
  if (saved === "en" || saved === "de") return saved;
  return navigator.language.startsWith("de") ? "de" : "en";
}

export const language = signal<Language>(preferred());

/** What dates and numbers are written by: the region of the reader where the browser says one of this language. */
export const locale = computed(() => {
  const own = navigator.languages.find((tag) => tag.startsWith(`${language.value}-`));
  return own ?? (language.value === "de" ? "de-DE" : "en-GB");
});

export function setLanguage(chosen: Language): void {
  localStorage.setItem(SAVED, chosen);
  language.value = chosen;
  document.documentElement.lang = chosen;
}

/** A text with its `{name}`s replaced. */
export function t(key: WordKey, values: Record<string, string | number> = {}): string {
  return DICTIONARIES[language.value][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
