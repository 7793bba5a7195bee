// Small parts that every page is made of.

import type { ComponentChildren } from "preact";
import type { ApiError } from "../api/http.ts";
import type { DeviceState, Level, Quality } from "../api/types.ts";
import { t, type WordKey } from "../words/index.ts";
import { now } from "./clock.ts";
import { dateTime, duration } from "./format.ts";

/** Signs differ by shape as well as by colour; what is normal is quiet. */
const STATES: Record<DeviceState, [string, WordKey]> = {
  online: ["●", "stateOnline"],
  connecting: ["◔", "stateConnecting"],
  degraded: ["▲", "stateDegraded"],
  offline: ["✕", "stateOffline"],
  disabled: ["○", "stateDisabled"],
};
const LEVELS: Record<Level, [string, WordKey]> = {
  info: ["ℹ", "levelInfo"],
  warning: ["▲", "levelWarning"],
  error: ["◆", "levelError"],
  critical: ["⬢", "levelCritical"],
};
const QUALITIES: Record<Quality, [string, WordKey]> = {
  good: ["", "qualityGood"],
  uncertain: ["~", "qualityUncertain"],
  bad: ["✕", "qualityBad"],
};

function Sign({ of, name }: { of: [string, WordKey]; name: string }) {
  return (
    <span class={`sign ${name}`}>
      {of[0] !== "" && <span aria-hidden="true">{of[0]} </span>}
      {t(of[1])}
    </span>
  );
}

export const StateSign = ({ state }: { state: DeviceState }) => <Sign of={STATES[state]} name={`state-${state}`} />;
export const LevelSign = ({ level }: { level: Level }) => <Sign of={LEVELS[level]} name={`level-${level}`} />;
export const QualitySign = ({ quality }: { quality: Quality }) => <Sign of={QUALITIES[quality]} name={`quality-${quality}`} />;

export function stateWord(state: DeviceState): string {
  return t(STATES[state][1]);
}

/** How long ago a time was; the time itself to whoever points at it. */
export function Age({ of }: { of: string | null }) {
  if (of === null) return <span class="muted">{t("never")}</span>;
  const time = Date.parse(of);
  return (
    <time dateTime={of} title={dateTime(time)}>
      {duration(Math.floor((now.value - time) / 1000) * 1000)}
    </time>
  );
}

/** Says what went wrong, in the server's words, beside the thing. */
export function ErrorBox({ error, again }: { error: ApiError | undefined; again?: (() => void) | undefined }) {
  if (!error) return null;
  const isForbidden = error.status === 403 || error.code === "FORBIDDEN";
  return (
    <div class="error-box" role="alert">
      <p>
        {error.status === 0 && error.code === "" && <strong>{t("notReached")} </strong>}
        {isForbidden && <strong>{t("forbidden")} </strong>}
        {error.message}
      </p>
      {error.requestId && <p class="small muted">{t("request", { id: error.requestId })}</p>}
      {again && (
        <button type="button" onClick={again}>
          {t("tryAgain")}
        </button>
      )}
    </div>
  );
}

/** Says what would be here. */
export function Empty({ title, note, children }: { title: string; note?: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p>
        <strong>{title}</strong>
      </p>
      {note && <p class="muted">{note}</p>}
      {children}
    </div>
  );
}

/** A thin line at the top while something is awaited. */
export function Busy({ isBusy }: { isBusy: boolean }) {
  return (
    <div class="busy" role="status">
      {isBusy && <span class="busy-line">{t("loading")}</span>}
    </div>
  );
}
