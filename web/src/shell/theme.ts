// Light or dark: as the system says, unless the reader has chosen; light on paper.

import { computed, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const SAVED = "basalt.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(system.matches);
/** Paper is light, whatever the screen is: what is drawn in colours of its own is drawn anew for it. */
const paper = matchMedia("print");
const isOnPaper = signal(paper.matches);

function saved(): Theme {
  const value = localStorage.getItem(SAVED);
  return value === "light" || value === "dark" ? value : "system";
}

export const theme = signal<Theme>(saved());
export const isDark = computed(() => !isOnPaper.value && (theme.value === "system" ? systemIsDark.value : theme.value === "dark"));

function apply(): void {
  document.documentElement.style.colorScheme = theme.value === "system" ? "light dark" : theme.value;
}

export function setTheme(chosen: Theme): void {
  localStorage.setItem(SAVED, chosen);
  theme.value = chosen;
  apply();
}

export function startTheme(): void {
  system.addEventListener("change", () => {
    systemIsDark.value = system.matches;
  });
  paper.addEventListener("change", () => {
    isOnPaper.value = paper.matches;
  });
  apply();
}
