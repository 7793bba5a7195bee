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

/** Locale that dates and numbers are written by: the region of the reader where the browser says one of this language. */
export const locale = computed(() => {
  const own = navigator.languages.find((tag) => tag.startsWith(`${language.value}-`));
  return own ?? (language.value === "de" ? "de-DE" : "en-GB");
});

export function setLanguage(chosen: Language): void {
  localStorage.setItem(SAVED, chosen);
  language.value = chosen;
  document.documentElement.lang = chosen;
}

export type Blanks = Record<string, string | number>;

function filled(text: string, values: Blanks): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** A text with its `{name}`s replaced. */
export function t(key: WordKey, values: Blanks = {}): string {
  return filled(DICTIONARIES[language.value][key], values);
}

/** The texts of one page, which are loaded with it, and after them those of all pages. `own` is what a test reads. */
export interface PageWords<Own extends string> {
  (key: Own | WordKey, values?: Blanks): string;
  own: Record<Language, Record<Own, string>>;
}

/** Makes the `t` of a page from its own texts, in `words.ts` of its folder. */
export function pageWords<Own extends string>(own: Record<Own, string>, german: Record<NoInfer<Own>, string>): PageWords<Own> {
  const texts: Record<Language, Record<string, string>> = { en: own, de: german };
  const say = (key: Own | WordKey, values: Blanks = {}) => {
    const text = texts[language.value][key];
    return text === undefined ? t(key as WordKey, values) : filled(text, values);
  };
  return Object.assign(say, { own: { en: own, de: german } });
}
