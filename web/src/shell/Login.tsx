// The way in: a name and a password, or an API key.

import { useEffect, useState } from "preact/hooks";
import { useAction } from "../ui/request.ts";
import { ErrorBox } from "../ui/parts.tsx";
import { language, setLanguage, t } from "../words/index.ts";
import { linkError, loadMe, logIn, useKey } from "./session.ts";

export function Login() {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [key, setKey] = useState("");
  const people = useAction();
  const programs = useAction();
  // A one-time link that is opened in this tab changes only the end of its address.
  useEffect(() => {
    const follow = () => void loadMe();
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const send = (event: SubmitEvent, start: () => void) => {
    event.preventDefault();
    start();
  };
  return (
    <main class="login" id="content">
      <h1>Basalt</h1>
      <ErrorBox error={linkError.value} />
      <form onSubmit={(event) => send(event, () => people.run(() => logIn(username, password)))}>
        <label>
          {t("user")}
          <input
            name="username"
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            required
            value={username}
            onInput={(e) => setUsername(e.currentTarget.value)}
          />
        </label>
        <label>
          {t("password")}
          <input
            name="password"
            type="password"
            autocomplete="current-password"
            required
            value={password}
            onInput={(e) => setPassword(e.currentTarget.value)}
          />
        </label>
        <button class="primary" disabled={people.isRunning}>
          {t("logIn")}
        </button>
        <ErrorBox error={people.error} />
        <p class="small muted">{t("loginNote")}</p>
      </form>
      <p class="or">{t("or")}</p>
      <form onSubmit={(event) => send(event, () => programs.run(() => useKey(key.trim())))}>
        <label>
          {t("apiKey")}
          <input name="key" type="password" autocomplete="off" spellcheck={false} required value={key} onInput={(e) => setKey(e.currentTarget.value)} />
        </label>
        <button disabled={programs.isRunning}>{t("useKey")}</button>
        <ErrorBox error={programs.error} />
        <p class="small muted">{t("keyNote")}</p>
      </form>
      <button type="button" class="plain" lang={language.value === "de" ? "en" : "de"} onClick={() => setLanguage(language.value === "de" ? "en" : "de")}>
        {language.value === "de" ? "English" : "Deutsch"}
      </button>
    </main>
  );
}
