// A row of the list of events: on a screen a cell for each fact, on a phone what happened first.

import { BASE } from "../../api/root.ts";
import { useAction } from "../../ui/request.ts";
import { dateTime } from "../../ui/format.ts";
import { ErrorBox, LevelSign } from "../../ui/parts.tsx";
import { acknowledge } from "./acknowledge.ts";
import { resolvedWords } from "./resolved.ts";
import type { EventRow } from "./types.ts";
import { t } from "./words.ts";

interface RowProps {
  event: EventRow;
  isChosen: boolean;
  choose: () => void;
  canWrite: boolean;
  changed: () => void;
}

function Choice({ event, isChosen, choose, canWrite }: RowProps) {
  if (!canWrite) return null;
  return <td>{!event.acknowledged && <input type="checkbox" aria-label={`${t("select")} ${event.rowId}`} checked={isChosen} onChange={choose} />}</td>;
}

const TimeLink = ({ event }: { event: EventRow }) => <a href={`${BASE}/events/${event.rowId}`}>{dateTime(Date.parse(event.ts))}</a>;

function Acknowledgement({ event, canWrite, action, changed }: RowProps & { action: ReturnType<typeof useAction> }) {
  if (event.acknowledged) {
    return (
      <span class="muted">
        ✓ {t("acknowledged")} {event.acknowledgedBy && t("acknowledgedBy", { name: event.acknowledgedBy })}
        {event.note && <span class="event-note">{event.note}</span>}
      </span>
    );
  }
  if (!canWrite) return null;
  return (
    <button type="button" disabled={action.isRunning} onClick={() => action.run(() => acknowledge([event.rowId], "").then(changed))}>
      {t("acknowledge")}
    </button>
  );
}

function Status(props: RowProps & { action: ReturnType<typeof useAction> }) {
  const resolved = resolvedWords(props.event);
  return (
    <>
      <Acknowledgement {...props} />
      {resolved && <span class="muted small event-note">{resolved}</span>}
    </>
  );
}

const DeviceLink = ({ device }: { device: EventRow["device"] }) => (device ? <a href={`${BASE}/devices/${device.rowId}`}>{device.name}</a> : null);

export function ScreenRow(props: RowProps) {
  const { event } = props;
  const action = useAction();
  return (
    <tr>
      <Choice {...props} />
      <td class="nowrap">
        <TimeLink event={event} />
      </td>
      <td>
        <LevelSign level={event.level} />
      </td>
      <td>{event.kind}</td>
      <td class="message">
        {event.message}
        <ErrorBox error={action.error} />
      </td>
      <td>{event.device ? <DeviceLink device={event.device} /> : "–"}</td>
      <td>{event.stream?.name ?? "–"}</td>
      <td>
        <Status {...props} action={action} />
      </td>
    </tr>
  );
}

export function PhoneRow(props: RowProps) {
  const { event } = props;
  const action = useAction();
  return (
    <tr>
      <Choice {...props} />
      <td class="event-words">
        <LevelSign level={event.level} /> <strong>{event.kind}</strong>
        <p>{event.message}</p>
        <p class="small muted">
          <TimeLink event={event} /> <DeviceLink device={event.device} /> {event.stream?.name}
        </p>
        <Status {...props} action={action} />
        <ErrorBox error={action.error} />
      </td>
    </tr>
  );
}
