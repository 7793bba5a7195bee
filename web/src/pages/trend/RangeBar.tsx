// The range of a trend in one line: common ones as buttons, any other as text in a menu, by a screen back and forth, zoom, live.

import type { Signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { Range } from "../../chart/levels.ts";
import { isLive, parseRange, parseTime, type RangeText } from "../../chart/range.ts";
import { dateTime, shortTime, zoneName } from "../../ui/format.ts";
import { Icon, type IconName } from "../../ui/icons.tsx";
import { Menu } from "../../ui/Menu.tsx";
import { isPhone } from "../../ui/phone.ts";
import { t } from "./words.ts";

interface Props {
  text: RangeText;
  range: Signal<Range>;
  choose: (text: RangeText) => void;
  /** Moves by a share of the view, or zooms by a factor. */
  move: (share: number) => void;
  zoom: (factor: number) => void;
}

const COMMON = ["15m", "1h", "8h", "24h", "7d", "30d", "1y"];

/** A bound as people write it: words stay, times are local. */
function shown(text: string): string {
  if (text.includes("now")) return text;
  const time = parseTime(text, Date.now());
  if (time === undefined) return text;
  const local = new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString();
  return local.slice(0, 19).replace("T", " ");
}

/** Any other range, as text. */
function RangeForm({ text, choose }: Pick<Props, "text" | "choose">) {
  const [from, setFrom] = useState(shown(text.from));
  const [to, setTo] = useState(shown(text.to));
  const [isWrong, setWrong] = useState(false);
  useEffect(() => {
    setFrom(shown(text.from));
    setTo(shown(text.to));
    setWrong(false);
  }, [text.from, text.to]);
  const apply = (event: SubmitEvent) => {
    event.preventDefault();
    const isValid = parseRange({ from, to }, Date.now()) !== undefined;
    setWrong(!isValid);
    if (isValid) choose({ from: from.trim(), to: to.trim() });
  };
  return (
    <form onSubmit={apply}>
      <label>
        <span>{t("rangeFrom")}</span>
        <input value={from} onInput={(event) => setFrom(event.currentTarget.value)} aria-invalid={isWrong} spellcheck={false} />
      </label>
      <label>
        <span>{t("rangeTo")}</span>
        <input value={to} onInput={(event) => setTo(event.currentTarget.value)} aria-invalid={isWrong} spellcheck={false} />
      </label>
      <button>{t("apply")}</button>
      {isWrong && (
        <p class="error-text" role="alert">
          {t("rangeWrong")}
        </p>
      )}
    </form>
  );
}

function IconButton({ word, icon, press }: { word: "back" | "forward" | "zoomIn" | "zoomOut"; icon: IconName; press: () => void }) {
  return (
    <button type="button" title={t(word)} aria-label={t(word)} onClick={press}>
      <Icon name={icon} />
    </button>
  );
}

/** By a screen back and forth, and nearer and farther. */
function Steps({ move, zoom }: Pick<Props, "move" | "zoom">) {
  return (
    <div class="segmented">
      <IconButton word="back" icon="left" press={() => move(-0.8)} />
      <IconButton word="forward" icon="right" press={() => move(0.8)} />
      <IconButton word="zoomIn" icon="zoomIn" press={() => zoom(0.5)} />
      <IconButton word="zoomOut" icon="zoomOut" press={() => zoom(2)} />
    </div>
  );
}

/** The range in short; opened, bounds that can be typed. On a phone the steps are there too, because fingers pan and zoom. */
function RangeMenu({ text, range, choose, move, zoom }: Props) {
  const { from, to } = range.value;
  const whole = (time: number) => Math.floor(time / 1000) * 1000;
  const present = Date.now();
  return (
    <Menu label={`${shortTime(whole(from), present)} – ${shortTime(whole(to), present)}`} name="range-menu" closesWith={`${text.from}/${text.to}`}>
      <p class="small muted">
        {dateTime(whole(from))} – {dateTime(whole(to))} {zoneName()}
      </p>
      <RangeForm text={text} choose={choose} />
      {isPhone.value && <Steps move={move} zoom={zoom} />}
    </Menu>
  );
}

export function RangeBar(props: Props) {
  const { text, choose, range } = props;
  const goLive = () => {
    const { from, to } = range.peek();
    choose({ from: `now-${Math.max(1, Math.round((to - from) / 1000))}s`, to: "now" });
  };
  const isPaused = !isLive(text) && range.value.to < Date.now();
  return (
    <div class="range-bar" role="group" aria-label={t("range")}>
      <div class="segmented">
        {COMMON.map((length) => (
          <button
            key={length}
            type="button"
            aria-pressed={isLive(text) && text.from === `now-${length}`}
            onClick={() => choose({ from: `now-${length}`, to: "now" })}
          >
            {length}
          </button>
        ))}
      </div>
      <RangeMenu {...props} />
      {!isPhone.value && <Steps move={props.move} zoom={props.zoom} />}
      <button type="button" aria-pressed={isLive(text)} title={isPaused ? t("livePaused") : undefined} onClick={goLive}>
        {isLive(text) ? "● " : "○ "}
        {t("goLive")}
      </button>
    </div>
  );
}
