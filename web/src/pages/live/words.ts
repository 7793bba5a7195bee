// Words of the live page alone.

import { pageWords } from "../../words/index.ts";

export const t = pageWords(
  {
    lastMinutes: "Last 15 min",
    trendOf: "Trend of {name}",
    set: "Set",
    setOf: "Set {name}",
    setHead: "Set {name}",
    before: "Value now",
    newValue: "New value",
    rawValue: "The register gets {value}.",
    write: "Write",
    written: "The device has confirmed {value}.",
  },
  {
    lastMinutes: "Letzte 15 min",
    trendOf: "Verlauf von {name}",
    set: "Setzen",
    setOf: "{name} setzen",
    setHead: "{name} setzen",
    before: "Wert jetzt",
    newValue: "Neuer Wert",
    rawValue: "Das Register erhält {value}.",
    write: "Schreiben",
    written: "Das Gerät hat {value} bestätigt.",
  },
);
