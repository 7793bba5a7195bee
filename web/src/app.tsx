// The web application: who uses it, the frame, and the page of the address.

import "uplot/dist/uPlot.min.css";
import "./style/tokens.css";
import "./style/base.css";
import "./style/shell.css";
import "./style/pages.css";
import "./style/devices.css";
import "./style/tools.css";
import "./style/print.css";
import type { ComponentType } from "preact";
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { onUnauthenticated } from "./api/http.ts";
import { BASE } from "./api/root.ts";
import { startConnection } from "./shell/connection.ts";
import { Login } from "./shell/Login.tsx";
import { PanelFrame } from "./shell/PanelFrame.tsx";
import { isIncomplete, isKiosk, panel } from "./shell/panel.ts";
import { address, startRouter } from "./shell/router.ts";
import { loadMe, me, sessionError } from "./shell/session.ts";
import { Shell } from "./shell/Shell.tsx";
import { startTheme } from "./shell/theme.ts";
import { Busy, ErrorBox } from "./ui/parts.tsx";
import { language, setLanguage, t, type WordKey } from "./words/index.ts";

type PageComponent = ComponentType<{ id: string }>;

interface Route {
  pattern: RegExp;
  word: WordKey;
  load: () => Promise<{ default: PageComponent }>;
}

/** Each page is a file of its own, which is loaded when it is opened first. */
const ROUTES: Route[] = [
  { pattern: /^\/$/, word: "overview", load: () => import("./pages/overview/Page.tsx") },
  { pattern: /^\/live$/, word: "live", load: () => import("./pages/live/Page.tsx") },
  { pattern: /^\/trend$/, word: "trend", load: () => import("./pages/trend/Page.tsx") },
  { pattern: /^\/events$/, word: "events", load: () => import("./pages/events/Page.tsx") },
  { pattern: /^\/events\/(\d+)$/, word: "events", load: () => import("./pages/events/Detail.tsx") },
  { pattern: /^\/streams\/(\d+)$/, word: "streams", load: () => import("./pages/streams/Page.tsx") },
  { pattern: /^\/models$/, word: "models", load: () => import("./pages/models/Page.tsx") },
  { pattern: /^\/models\/new$/, word: "models", load: () => import("./pages/models/New.tsx") },
  { pattern: /^\/models\/(\d+)$/, word: "models", load: () => import("./pages/models/Detail.tsx") },
  { pattern: /^\/devices$/, word: "devices", load: () => import("./pages/devices/Page.tsx") },
  { pattern: /^\/devices\/new$/, word: "devices", load: () => import("./pages/devices/New.tsx") },
  { pattern: /^\/devices\/(\d+)\/edit$/, word: "devices", load: () => import("./pages/devices/Edit.tsx") },
  { pattern: /^\/devices\/(\d+)\/browse$/, word: "devices", load: () => import("./pages/devices/Browse.tsx") },
  { pattern: /^\/devices\/(\d+)\/tag-list$/, word: "devices", load: () => import("./pages/devices/TagList.tsx") },
  { pattern: /^\/devices\/(\d+)$/, word: "devices", load: () => import("./pages/devices/Detail.tsx") },
  { pattern: /^\/boards$/, word: "boards", load: () => import("./pages/boards/Page.tsx") },
  { pattern: /^\/boards\/([0-9a-f-]{36})$/, word: "boards", load: () => import("./pages/boards/Board.tsx") },
  { pattern: /^\/rules$/, word: "rules", load: () => import("./pages/rules/Page.tsx") },
  { pattern: /^\/data(?:\/(import|export))?$/, word: "data", load: () => import("./pages/data/Page.tsx") },
  { pattern: /^\/sql$/, word: "sql", load: () => import("./pages/sql/Page.tsx") },
  { pattern: /^\/system$/, word: "system", load: () => import("./pages/system/Page.tsx") },
  { pattern: /^\/admin(?:\/(keys|users|audit|retention))?$/, word: "admin", load: () => import("./pages/admin/Page.tsx") },
];

function NoSuchPage() {
  return (
    <div class="empty">
      <h1>{t("noSuchPage")}</h1>
      <p>
        <a href={`${BASE}/`}>{t("toOverview")}</a>
      </p>
    </div>
  );
}

function CurrentPage() {
  const { path } = address.value;
  const route = ROUTES.find(({ pattern }) => pattern.test(path));
  const [loaded, setLoaded] = useState<{ route: Route; Component: PageComponent }>();
  useEffect(() => {
    document.title = route ? `${t(route.word)} · Basalt` : "Basalt";
    if (!route) return;
    route.load().then(
      (module) => setLoaded({ route, Component: module.default }),
      (failure: unknown) => {
        isIncomplete.value = true;
        throw failure;
      },
    );
  }, [route, language.value]);
  const isFirst = useRef(true);
  useEffect(() => {
    // Whoever reads with a screen reader or the keyboard goes on where the new page begins.
    if (!isFirst.current) document.getElementById("content")?.focus({ preventScroll: true });
    isFirst.current = false;
  }, [path]);
  if (!route) return <NoSuchPage />;
  if (!loaded || loaded.route !== route) return <Busy isBusy />;
  const id = route.pattern.exec(path)?.[1] ?? "";
  return <loaded.Component key={`${route.pattern.source}${id}`} id={id} />;
}

/** Whether a board is shown by a kiosk link. */
function isPanel(): boolean {
  const { path, query } = address.value;
  return panel.value !== "none" && isKiosk({ pathname: `${BASE}${path}`, search: `?${query}` });
}

function App() {
  const who = me.value;
  if (isPanel()) {
    return (
      <PanelFrame>
        <CurrentPage />
      </PanelFrame>
    );
  }
  if (who === null) return <Login />;
  if (who === undefined) {
    return sessionError.value ? (
      <main class="login">
        <ErrorBox error={sessionError.value} again={() => void loadMe()} />
      </main>
    ) : (
      <Busy isBusy />
    );
  }
  return (
    <Shell>
      <CurrentPage />
    </Shell>
  );
}

startTheme();
startRouter();
startConnection();
setLanguage(language.value);
onUnauthenticated(() => {
  if (me.value) void loadMe();
});
void loadMe();
render(<App />, document.getElementById("app") as HTMLElement);
