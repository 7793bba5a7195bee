// Data into the server and out of it, each below its own address.

import { BASE } from "../../api/root.ts";
import { all } from "../../api/all.ts";
import { graph } from "../../api/graph.ts";
import { useRequest } from "../../ui/request.ts";
import { Busy, ErrorBox } from "../../ui/parts.tsx";
import { Export } from "./Export.tsx";
import { Import } from "./Import.tsx";
import { STREAMS } from "./queries.ts";
import { t } from "./words.ts";

const WORDS = ["import", "export"] as const;

export default function Data({ id }: { id: string }) {
  const current = id === "export" ? "export" : "import";
  const { data, error, isBusy, reload } = useRequest((signal) => all((after) => graph(STREAMS, { after }, signal).then(({ streams }) => streams)), []);
  return (
    <div class="page">
      <Busy isBusy={isBusy} />
      <h1>{t("data")}</h1>
      <nav class="tabs" aria-label={t("data")}>
        {WORDS.map((word) => (
          <a key={word} href={`${BASE}/data/${word}`} aria-current={word === current ? "page" : undefined}>
            {t(word)}
          </a>
        ))}
      </nav>
      <ErrorBox error={error} again={reload} />
      {data && (current === "import" ? <Import streams={data} /> : <Export streams={data} />)}
    </div>
  );
}
