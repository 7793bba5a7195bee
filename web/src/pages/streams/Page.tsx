// One stream: its newest value, its settings, what there is of it, and how long that is kept.

import { BASE } from "../../api/root.ts";
import { graph } from "../../api/graph.ts";
import { isNumeric } from "../../api/types.ts";
import { may } from "../../shell/session.ts";
import { useRequest } from "../../ui/request.ts";
import { PageHead } from "../../ui/PageHead.tsx";
import { Busy, Empty, ErrorBox } from "../../ui/parts.tsx";
import { Facts, Latest } from "./Facts.tsx";
import { History } from "./History.tsx";
import { newestOf } from "./newest.ts";
import { STREAM } from "./queries.ts";
import { Retention } from "./Retention.tsx";
import { t } from "./words.ts";

/** Settings are read anew so often, milliseconds. */
const REPEAT = 60_000;

export default function StreamDetail({ id }: { id: string }) {
  const { data, error, isBusy, reload, change } = useRequest(
    async (signal) => (await graph(STREAM, { id: Number(id) }, signal)).stream,
    [id],
    REPEAT,
  );
  const device = data?.device;
  return (
    <div class="page stream">
      <Busy isBusy={isBusy && !data} />
      <p class="crumb">{device ? <a href={`${BASE}/devices/${device.rowId}`}>← {device.name}</a> : <a href={`${BASE}/live`}>← {t("live")}</a>}</p>
      <ErrorBox error={error} again={reload} />
      {data === null && <Empty title={t("noSuchStream")} />}
      {data && (
        <>
          <PageHead title={data.name}>
            {isNumeric(data.type) && may("value:read") && (
              <a class="button" href={`${BASE}/trend?s=${data.rowId}`}>
                {t("inTrend")}
              </a>
            )}
          </PageHead>
          {may("value:read") && (
            <Latest stream={data} changed={(readings) => change((known) => known && { ...known, latest: newestOf(known.latest, readings) })} />
          )}
          {may("value:read") && <History stream={data} />}
          <div class="two">
            <Facts stream={data} />
            {may("system:read") && <Retention stream={data} />}
          </div>
        </>
      )}
    </div>
  );
}
