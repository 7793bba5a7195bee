// Frame of a board on a panel: nothing, or what is wrong in words that can be read from afar.

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { Busy } from "../ui/parts.tsx";
import { t } from "../words/index.ts";
import { panel, refresh, setPanel } from "./panel.ts";
import { loadMe, me, sessionError } from "./session.ts";

/** The server is asked this often while it could not say who asks. */
const RETRY = 5000;
/** And this often whether it has another build by now. */
const REFRESH = 60_000;

function PanelEnd() {
  return (
    <main class="panel panel-note" id="content">
      <h1>{t("panelEnded")}</h1>
      <p>{t("panelEndedNote")}</p>
      <button type="button" onClick={() => setPanel("none")}>
        {t("logIn")}
      </button>
    </main>
  );
}

export function PanelFrame({ children }: { children: ComponentChildren }) {
  const isEnded = panel.value === "ended";
  const isWaiting = !isEnded && !me.value;
  useEffect(() => {
    const timer = setInterval(() => void refresh(), REFRESH);
    // Another kiosk link that is opened in this tab changes only the end of its address.
    const follow = () => void loadMe();
    addEventListener("hashchange", follow);
    return () => {
      clearInterval(timer);
      removeEventListener("hashchange", follow);
    };
  }, []);
  useEffect(() => {
    if (!isWaiting) return;
    const timer = setInterval(() => void loadMe(), RETRY);
    return () => clearInterval(timer);
  }, [isWaiting]);
  if (isEnded) return <PanelEnd />;
  if (isWaiting) {
    return (
      <main class="panel panel-note" id="content">
        <Busy isBusy />
        {sessionError.value && <p role="status">{t("panelWaits")}</p>}
      </main>
    );
  }
  return (
    <main class="panel" id="content">
      {children}
    </main>
  );
}
