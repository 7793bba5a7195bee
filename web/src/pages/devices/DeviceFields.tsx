// The settings of a device, protocol by protocol.

import type { UserError } from "../../api/graph.ts";
import { CheckField, SelectField, TextField } from "../../ui/fields.tsx";
import type { DeviceDraft } from "./draft.ts";
import { FORMS, type Setting } from "./protocols.ts";
import { t } from "./words.ts";

interface Props {
  draft: DeviceDraft;
  change: (changes: Partial<DeviceDraft>) => void;
  errors: UserError[];
  /** Whether the device is there already: then an empty password is the one that it has. */
  isKnown: boolean;
}

function SettingField({ setting, value, set, errors }: { setting: Setting; value: string; set: (value: string) => void; errors: UserError[] }) {
  const { name, kind, options = [] } = setting;
  if (kind === "flag") return <CheckField label={name} value={value === "true"} change={(isOn) => set(isOn ? "true" : "")} />;
  if (kind === "choice") {
    const choices = options.map((option, i): [string, string] => [i === 0 ? "" : option, option === "" ? "–" : option]);
    return <SelectField name={name} label={name} value={value === options[0] ? "" : value} change={set} options={choices} errors={errors} />;
  }
  return <TextField name={name} label={name} value={value} change={set} errors={errors} isNumber={kind === "number"} />;
}

/** Fields that are shown, by their names in errors. */
export function fieldsOf(draft: DeviceDraft): string[] {
  const form = FORMS[draft.protocol];
  return [
    "name",
    "timeout",
    ...(form.hasHost ? ["host"] : []),
    ...(form.port === undefined ? [] : ["port"]),
    ...(form.hasUnit ? ["unit"] : []),
    ...(form.hasByteorder ? ["byteorder"] : []),
    ...(form.hasLogin ? ["username", "password"] : []),
    ...(form.hasInterval ? ["pollInterval"] : []),
    ...form.settings.map(({ name }) => name),
  ];
}

export function DeviceFields({ draft, change, errors, isKnown }: Props) {
  const form = FORMS[draft.protocol];
  const text = (name: "name" | "host" | "port" | "unit" | "username" | "pollInterval" | "timeout", label: string, hint?: string, example = "") => (
    <TextField
      name={name}
      label={label}
      value={draft[name]}
      change={(value) => change({ [name]: value })}
      errors={errors}
      hint={hint}
      placeholder={example}
      isNumber={!["name", "host", "username"].includes(name)}
    />
  );
  return (
    <>
      <div class="fields">
        {text("name", t("name"))}
        {form.hasHost && text("host", t("host"), undefined, form.hostExample)}
        {form.port !== undefined && text("port", t("port"), undefined, String(form.port))}
        {form.hasUnit && text("unit", t("unitId"))}
        {form.hasByteorder && (
          <SelectField
            name="byteorder"
            label={t("byteorder")}
            value={draft.byteorder}
            change={(byteorder) => change({ byteorder })}
            options={[["little", t("lowFirst")], ["big", t("highFirst")]]}
            errors={errors}
          />
        )}
        {form.hasLogin && text("username", t("username"))}
        {form.hasLogin && (
          <TextField
            name="password"
            label={t("password")}
            value={draft.password}
            change={(password) => change({ password })}
            errors={errors}
            hint={isKnown ? t("passwordStays") : undefined}
            isPassword
          />
        )}
        {form.hasInterval && text("pollInterval", t("intervalSeconds"), t("intervalHint"))}
        {text("timeout", t("timeoutSeconds"))}
      </div>
      <CheckField label={t("enabled")} value={draft.enabled} change={(enabled) => change({ enabled })} />
      <details class="more-settings" open={errors.some(({ field }) => form.settings.some(({ name }) => name === field))}>
        <summary>{t("protocolSettings")}</summary>
        <div class="fields">
          {form.settings.map((setting) => (
            <SettingField
              key={setting.name}
              setting={setting}
              value={draft.settings[setting.name] ?? ""}
              set={(value) => change({ settings: { ...draft.settings, [setting.name]: value } })}
              errors={errors}
            />
          ))}
        </div>
      </details>
    </>
  );
}
