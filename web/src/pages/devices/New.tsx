// A new device in three steps: its protocol, its connection, its streams. It can be tried before it is saved.

import { useEffect, useState } from "preact/hooks";
import { BASE } from "../../api/root.ts";
import { graph, type UserError } from "../../api/graph.ts";
import { navigate } from "../../shell/router.ts";
import { may } from "../../shell/session.ts";
import { useAction } from "../../ui/request.ts";
import { OtherErrors } from "../../ui/fields.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Empty, ErrorBox } from "../../ui/parts.tsx";
import { DeviceFields, fieldsOf } from "./DeviceFields.tsx";
import { BLANK_STREAM, blankDevice, type DeviceDraft, deviceInput, filled, numberErrors, type StreamDraft, streamInput } from "./draft.ts";
import { FORMS, PROTOCOLS } from "./protocols.ts";
import { CREATE_DEVICE, CREATE_STREAM, TEST_DEVICE } from "./queries.ts";
import { StreamRows } from "./StreamRows.tsx";
import type { DeviceTest } from "./types.ts";
import { t } from "./words.ts";

/** Registers that one test reads at most. */
const MOST_TESTED = 32;
const STEPS = ["stepProtocol", "stepConnection", "stepStreams"] as const;

function Protocols({ draft, choose }: { draft: DeviceDraft; choose: (draft: DeviceDraft) => void }) {
  return (
    <fieldset class="group">
      <legend>{t("protocol")}</legend>
      <div class="fields">
        {PROTOCOLS.map((protocol) => (
          <label key={protocol} class="choice">
            <input
              type="radio"
              name="protocol"
              value={protocol}
              checked={draft.protocol === protocol}
              onChange={() => choose({ ...blankDevice(protocol), name: draft.name })}
            />{" "}
            {FORMS[protocol].title}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Outcome({ test }: { test: DeviceTest }) {
  const milliseconds = (value: number | null) => (value === null ? "–" : `${formatNumber(Math.round(value * 10) / 10)} ms`);
  return (
    <div class="outcome" role="status">
      <p>
        {test.reached ? `✓ ${t("reached", { connect: milliseconds(test.connectMs), trip: milliseconds(test.roundTripMs) })}` : `✕ ${t("notReachedDevice")}`}
      </p>
      {test.error && <p class="error-text">{test.error}</p>}
    </div>
  );
}

/** State of the form: the values that are filled in, the test, and what the server said of them. */
function useWizard() {
  const [draft, setDraft] = useState<DeviceDraft>(blankDevice("modbus"));
  const [streams, setStreams] = useState<StreamDraft[]>([BLANK_STREAM]);
  const [errors, setErrors] = useState<UserError[]>([]);
  const [rowErrors, setRowErrors] = useState<UserError[][]>([]);
  const [test, setTest] = useState<DeviceTest>();
  const [step, setStep] = useState(0);
  /** The device, once it is there: saving goes on with the streams that are missing. */
  const [made, setMade] = useState<number>();
  const change = (changes: Partial<DeviceDraft>) => {
    setDraft((known) => ({ ...known, ...changes }));
    setTest(undefined);
  };
  const refuse = (found: UserError[]) => {
    setErrors(found);
    if (found.length > 0) setStep(1);
    return found.length > 0;
  };
  const input = () => ({ ...deviceInput(draft), protocol: draft.protocol });
  const tryIt = async () => {
    setTest(undefined);
    if (refuse(numberErrors(draft, t("noNumber")))) return;
    const registers = [...new Set(streams.map(({ path }) => path.trim()).filter(Boolean))].slice(0, MOST_TESTED);
    // A name is needed only to save it.
    const { testDevice } = await graph(TEST_DEVICE, { input: { ...input(), name: draft.name.trim() || "test" }, registers });
    setErrors(testDevice.errors);
    setTest(testDevice.test ?? undefined);
  };
  const create = async (): Promise<number | undefined> => {
    if (made !== undefined) return made;
    if (refuse(numberErrors(draft, t("noNumber")))) return undefined;
    const { createDevice } = await graph(CREATE_DEVICE, { input: input() });
    if (refuse(createDevice.errors)) return undefined;
    setMade(createDevice.device?.rowId);
    return createDevice.device?.rowId;
  };
  const save = async () => {
    const device = await create();
    if (device === undefined) return;
    const failed: [StreamDraft, UserError[]][] = [];
    for (const stream of filled(streams)) {
      const answer = await graph(CREATE_STREAM, { input: streamInput(stream, device) });
      if (answer.createStream.errors.length > 0) failed.push([stream, answer.createStream.errors]);
    }
    setStreams(failed.map(([stream]) => stream));
    setRowErrors(failed.map(([, found]) => found));
    if (failed.length === 0) navigate(`/devices/${device}`);
    else setStep(2);
  };
  return { draft, setDraft, change, streams, setStreams, errors, rowErrors, setRowErrors, test, step, setStep, made, tryIt, save };
}

function Wizard() {
  const wizard = useWizard();
  const { draft, step, setStep, errors, test, made } = wizard;
  const action = useAction();
  const isLast = step === STEPS.length - 1;
  const shown = fieldsOf(draft);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isLast) action.run(wizard.save);
        else setStep(step + 1);
      }}
    >
      <ol class="steps">
        {STEPS.map((word, i) => (
          <li key={word}>
            <button
              type="button"
              aria-current={i === step ? "step" : undefined}
              aria-pressed={i === step}
              disabled={made !== undefined && i < 2}
              onClick={() => setStep(i)}
            >
              {i + 1} {t(word)}
            </button>
          </li>
        ))}
      </ol>
      {step === 0 && (
        <Protocols
          draft={draft}
          choose={(next) => {
            wizard.setDraft(next);
            wizard.change({});
          }}
        />
      )}
      {step === 1 && (
        <fieldset class="group">
          <legend>{FORMS[draft.protocol].title}</legend>
          <DeviceFields draft={draft} change={wizard.change} errors={errors} isKnown={false} />
        </fieldset>
      )}
      {step === 2 && (
        <fieldset class="group">
          <legend>{t("streams")}</legend>
          {made !== undefined && <p class="error-text">{t("deviceMade")}</p>}
          <StreamRows
            protocol={draft.protocol}
            streams={wizard.streams}
            change={(rows) => {
              wizard.setStreams(rows);
              wizard.setRowErrors([]);
            }}
            errors={wizard.rowErrors}
            tested={test?.registers ?? []}
          />
        </fieldset>
      )}
      {test && <Outcome test={test} />}
      <OtherErrors errors={errors} fields={step === 1 ? shown : []} />
      <ErrorBox error={action.error} />
      <p class="links">
        {step > 0 && made === undefined && (
          <button type="button" onClick={() => setStep(step - 1)}>
            {t("stepBack")}
          </button>
        )}
        {step > 0 && FORMS[draft.protocol].canTest && (
          <button type="button" disabled={action.isRunning} onClick={() => action.run(wizard.tryIt)}>
            {t("tryDevice")}
          </button>
        )}
        <button class="primary" disabled={action.isRunning}>
          {t(isLast ? "saveDevice" : "stepNext")}
        </button>
      </p>
    </form>
  );
}

export default function NewDevice() {
  useEffect(() => {
    document.title = `${t("newDevice")} · Basalt`;
  }, []);
  return (
    <div class="page">
      <p class="crumb">
        <a href={`${BASE}/devices`}>← {t("devices")}</a>
      </p>
      <h1>{t("newDevice")}</h1>
      {may("device:write") ? <Wizard /> : <Empty title={t("forbidden")} note="device:write" />}
    </div>
  );
}
