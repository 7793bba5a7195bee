// The frame around every page: navigation on the left, or at the bottom of a phone; search; account.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { savedKey } from "../api/access.ts";
import { BASE } from "../api/root.ts";
import { useAction } from "../ui/request.ts";
import { formatTime, isUtc, setUtc, zoneName } from "../ui/format.ts";
import { Icon } from "../ui/icons.tsx";
import { Menu } from "../ui/Menu.tsx";
import { moveInList } from "../ui/lists.ts";
import { ErrorBox } from "../ui/parts.tsx";
import { type Language, language, setLanguage, t } from "../words/index.ts";
import { lostAt } from "./connection.ts";
import { Find } from "./Find.tsx";
import { allowedPages, mayFind, type PageLink, TOOLS } from "./pages.ts";
import { address } from "./router.ts";
import { leave, me } from "./session.ts";
import { setTheme, type Theme, theme } from "./theme.ts";

/** Pages that a phone's bar has room for beside "More". */
const ON_PHONE = 4;

function isCurrent(page: PageLink): boolean {
  const { path } = address.value;
  return page.path === "/" ? path === "/" : path === page.path || path.startsWith(`${page.path}/`);
}

function PageItem({ page, name }: { page: PageLink; name?: string }) {
  return (
    <li class={name}>
      <a href={`${BASE}${page.path}`} aria-current={isCurrent(page) ? "page" : undefined}>
        <Icon name={page.icon} />
        <span>{t(page.word)}</span>
      </a>
    </li>
  );
}

function Tools() {
  return (
    <>
      {TOOLS.map((tool) => (
        <li class="wide-only" key={tool.href}>
          <a href={tool.href}>
            <Icon name={tool.icon} />
            <span>{t(tool.word)}</span>
          </a>
        </li>
      ))}
    </>
  );
}

function Account() {
  const { run, error } = useAction();
  const who = me.value?.username ?? t("byKey");
  return (
    <Menu label={who} title={`${t("account")}: ${who}`} icon="user" name="account" closesWith={address.value.path}>
      <p class="muted small">{me.value?.organization}</p>
      <label>
        {t("theme")}
        <select value={theme.value} onChange={(event) => setTheme(event.currentTarget.value as Theme)}>
          <option value="system">{t("themeSystem")}</option>
          <option value="light">{t("themeLight")}</option>
          <option value="dark">{t("themeDark")}</option>
        </select>
      </label>
      <label>
        {t("language")}
        <select value={language.value} onChange={(event) => setLanguage(event.currentTarget.value as Language)}>
          <option value="en">English</option>
          <option value="de">Deutsch</option>
        </select>
      </label>
      <label>
        {t("times")}
        <select value={isUtc.value ? "utc" : "local"} onChange={(event) => setUtc(event.currentTarget.value === "utc")}>
          <option value="local">{t("timesLocal")}</option>
          <option value="utc">{t("timesUtc")}</option>
        </select>
      </label>
      <button type="button" onClick={() => run(leave)}>
        {savedKey() ? t("forgetKey") : t("logOut")}
      </button>
      <ErrorBox error={error} />
    </Menu>
  );
}

/** The pages, and what does not fit a phone behind "More". */
function Rail() {
  const pages = allowedPages();
  return (
    <nav class="rail" aria-label={t("navigation")}>
      <ul>
        {pages.map((page, index) => (
          <PageItem key={page.path} page={page} {...(index >= ON_PHONE ? { name: "wide-only" } : {})} />
        ))}
      </ul>
      <ul class="tools" aria-label={t("tools")}>
        <Tools />
      </ul>
      <Menu label={t("more")} title={t("more")} icon="more" name="phone-only" closesWith={address.value.path}>
        <ul>
          {pages.slice(ON_PHONE).map((page) => (
            <PageItem key={page.path} page={page} />
          ))}
          {TOOLS.map((tool) => (
            <li key={tool.href}>
              <a href={tool.href}>
                <Icon name={tool.icon} />
                <span>{t(tool.word)}</span>
              </a>
            </li>
          ))}
        </ul>
      </Menu>
    </nav>
  );
}

/** Ctrl+K anywhere, and a slash where nothing is typed. */
function asksToFind(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey) return event.key.toLowerCase() === "k";
  const isTyped = event.target instanceof Element && event.target.closest("input, select, textarea, [contenteditable], .editor, dialog") !== null;
  return event.key === "/" && !event.altKey && !isTyped;
}

export function Shell({ children }: { children: ComponentChildren }) {
  const [isFinding, setFinding] = useState(false);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      moveInList(event);
      if (!asksToFind(event) || !mayFind()) return;
      event.preventDefault();
      setFinding(true);
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
  return (
    <div class="shell">
      <a class="skip" href="#content">
        {t("skip")}
      </a>
      <header class="top">
        <a class="brand" href={`${BASE}/`}>
          Basalt
        </a>
        {mayFind() && (
          <button type="button" class="find-button" aria-keyshortcuts="Control+K /" onClick={() => setFinding(true)}>
            <Icon name="find" /> <span>{t("find")}</span> <kbd>Ctrl+K</kbd>
          </button>
        )}
        <span class="zone muted small">{zoneName()}</span>
        <Account />
      </header>
      <Rail />
      <main id="content" tabIndex={-1}>
        {lostAt.value !== undefined && (
          <p class="offline" role="status">
            {t("offline", { time: formatTime(lostAt.value, { hour: "2-digit", minute: "2-digit" }) })}
          </p>
        )}
        {children}
      </main>
      <Find isOpen={isFinding} close={() => setFinding(false)} />
    </div>
  );
}
