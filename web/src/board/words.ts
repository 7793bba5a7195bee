// Words of the widgets of boards.

import { pageWords } from "../words/index.ts";

export const t = pageWords(
  {
    kindValue: "Value",
    kindGauge: "Gauge",
    kindLine: "Lines",
    kindStates: "States over time",
    kindTable: "Table by SQL",
    kindEvents: "Events",
    kindText: "Text",
    kindWrite: "Write button",
    nothingChosen: "Nothing is chosen yet.",
    cannotDraw: "Widgets of type {type} are not drawn here.",
    streamGone: "The stream does not exist, or you may not see it.",
    noValue: "no value",
    lastsFor: "{state}, {from} to {to}",
    write: "Write {value}",
    writeAsk: "{name} has {before} now. {value} will be written to the device.",
    written: "Written.",
    from: "from {low} to {high}",
  },
  {
    kindValue: "Wert",
    kindGauge: "Anzeige",
    kindLine: "Linien",
    kindStates: "Zustände im Verlauf",
    kindTable: "Tabelle mit SQL",
    kindEvents: "Ereignisse",
    kindText: "Text",
    kindWrite: "Schreibknopf",
    nothingChosen: "Noch ist nichts gewählt.",
    cannotDraw: "Felder der Art {type} werden hier nicht gezeichnet.",
    streamGone: "Die Messreihe gibt es nicht, oder Sie dürfen sie nicht sehen.",
    noValue: "kein Wert",
    lastsFor: "{state}, {from} bis {to}",
    write: "{value} schreiben",
    writeAsk: "{name} hat jetzt {before}. Zum Gerät wird {value} geschrieben.",
    written: "Geschrieben.",
    from: "von {low} bis {high}",
  },
);
