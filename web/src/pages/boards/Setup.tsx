// Dialog that chooses the streams and settings of a widget.

import { useMemo, useState } from "preact/hooks";
import { isNumeric, isState } from "../../api/types.ts";
import type { BoardStream, BoardData } from "../../board/types.ts";
import { nameOf } from "../../board/Widget.tsx";
import { type Config, type Kind, KINDS, kindOf, type Widget } from "../../board/widgets.ts";
import { Field } from "../../ui/Field.tsx";
import { Modal } from "../../ui/Modal.tsx";
import { useNarrowed } from "../../ui/narrow.tsx";
import { t } from "./words.ts";

/** Lines of one widget. */
const MOST_STREAMS = 8;

function fits(kind: Kind, stream: BoardStream): boolean {
  if (kind === "write") return stream.accessMode === "rw";
  if (kind === "value") return true;
  if (kind === "states") return isState(stream.type) || !isNumeric(stream.type);
  return isNumeric(stream.type);
}

/** A number as it is written, with comma or point; undefined for nothing, NaN for anything else. */
function numberOf(text: string): number | undefined {
  return text.trim() === "" ? undefined : Number(text.replace(",", "."));
}

function Streams({ kind, shared, chosen, set }: { kind: Kind; shared: BoardData; chosen: string[]; set: (uuids: string[]) => void }) {
  const streams = useMemo(() => [...shared.streams.values()].filter((stream) => fits(kind, stream)), [shared.streams, kind]);
  const name = (stream: BoardStream) => (stream.device ? `${stream.name} (${stream.device.name})` : stream.name);
  const { shown, search } = useNarrowed(streams, name, ({ uuid }) => chosen.includes(uuid));
  if (KINDS[kind].streams === "one") {
    return (
      <>
        {streams.length === 0 && <p class="muted">{t("noneFits")}</p>}
        {search}
        <Field label={t("streamOne")}>
          <select value={chosen[0] ?? ""} onChange={(event) => set(event.currentTarget.value ? [event.currentTarget.value] : [])}>
            <option value="">{t("choose")}</option>
            {shown.map((stream) => (
              <option key={stream.uuid} value={stream.uuid}>
                {name(stream)}
              </option>
            ))}
          </select>
        </Field>
      </>
    );
  }
  const toggle = (uuid: string) => set(chosen.includes(uuid) ? chosen.filter((other) => other !== uuid) : [...chosen, uuid]);
  return (
    <fieldset class="streams">
      <legend>{t("streams")}</legend>
      {streams.length === 0 && <p class="muted">{t("noneFits")}</p>}
      {search}
      {shown.map((stream) => (
        <label class="check" key={stream.uuid}>
          <input
            type="checkbox"
            checked={chosen.includes(stream.uuid)}
            disabled={!chosen.includes(stream.uuid) && chosen.length >= MOST_STREAMS}
            onChange={() => toggle(stream.uuid)}
          />{" "}
          {name(stream)}
        </label>
      ))}
    </fieldset>
  );
}

function NumberField({ label, value, set }: { label: string; value: number | undefined; set: (value: number | undefined) => void }) {
  const [text, setText] = useState(value === undefined ? "" : String(value));
  return (
    <Field label={label} error={Number.isNaN(value) ? t("wrongNumber") : undefined}>
      <input
        value={text}
        inputMode="decimal"
        onInput={(event) => {
          setText(event.currentTarget.value);
          set(numberOf(event.currentTarget.value));
        }}
      />
    </Field>
  );
}

/** Without what is not given, so that nothing undefined is stored. */
function cleaned(config: Config): Config {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined && value !== "")) as Config;
}

export function Setup({ widget, shared, close, done }: { widget: Widget; shared: BoardData; close: () => void; done: (config: Config) => void }) {
  const [config, setConfig] = useState<Config>(widget.config);
  const kind = kindOf(widget);
  const change = (part: Partial<Config> | { [name in keyof Config]: Config[name] | undefined }) => setConfig({ ...config, ...part } as Config);
  const isWrong = [config.least, config.most, config.value].some((value) => Number.isNaN(value));
  return (
    <Modal title={t("setUp", { name: nameOf(widget, shared) })} close={close}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isWrong) done(cleaned(config));
        }}
      >
        <Field label={t("widgetTitle")} hint={t("titleNote")}>
          <input value={config.title ?? ""} maxLength={255} onInput={(event) => change({ title: event.currentTarget.value })} />
        </Field>
        {kind && KINDS[kind].streams !== "none" && (
          <Streams kind={kind} shared={shared} chosen={config.sensorIds ?? []} set={(sensorIds) => change({ sensorIds })} />
        )}
        {kind === "gauge" && (
          <>
            <NumberField label={t("least")} value={config.least} set={(least) => change({ least })} />
            <NumberField label={t("most")} value={config.most} set={(most) => change({ most })} />
          </>
        )}
        {kind === "write" && <NumberField label={t("writes")} value={config.value} set={(value) => change({ value })} />}
        {kind === "table" && (
          <Field label={t("statement")}>
            <textarea class="mono" rows={5} spellcheck={false} value={config.query ?? ""} onInput={(event) => change({ query: event.currentTarget.value })} />
          </Field>
        )}
        {kind === "text" && (
          <Field label={t("textField")}>
            <textarea rows={5} maxLength={4000} value={config.text ?? ""} onInput={(event) => change({ text: event.currentTarget.value })} />
          </Field>
        )}
        <div class="buttons">
          <button class="primary" disabled={isWrong}>
            {t("done")}
          </button>
          <button type="button" onClick={close}>
            {t("cancel")}
          </button>
        </div>
      </form>
    </Modal>
  );
}
