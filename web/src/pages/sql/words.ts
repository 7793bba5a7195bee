// What the SQL page alone says.

import { pageWords } from "../../words/index.ts";

export const t = pageWords(
  {
    namedQueries: "Saved questions",
    history: "History",
    historyNone: "Statements that were run in this tab are listed here.",
    editorHint: "Ctrl+Enter runs the statement. Escape, then Tab leaves the editor.",
    parameters: "Parameters",
    run: "Run",
    asking: "Asking …",
    stopped: "Cancelled. The server has ended the query.",
    rowIn: "1 row in {time} ms",
    rowsIn: "{n} rows in {time} ms",
    firstRowsIn: "The first {n} rows in {time} ms; a download has all of them",
    answer: "Answer",
    chart: "Chart",
    download: "Download",
    chartInTrend: "Chart in Trend",
    copyLinkTo: "Copy a link to this statement",
    noRows: "The answer has no rows.",
  },
  {
    namedQueries: "Gespeicherte Fragen",
    history: "Zuletzt gestellt",
    historyNone: "Hier stehen die Anweisungen, die in diesem Tab liefen.",
    editorHint: "Strg+Enter führt die Anweisung aus. Escape, dann Tab verlässt den Editor.",
    parameters: "Parameter",
    run: "Ausführen",
    asking: "Läuft …",
    stopped: "Abgebrochen. Der Server hat die Abfrage beendet.",
    rowIn: "1 Zeile in {time} ms",
    rowsIn: "{n} Zeilen in {time} ms",
    firstRowsIn: "Die ersten {n} Zeilen in {time} ms; im Download sind alle",
    answer: "Antwort",
    chart: "Diagramm",
    download: "Herunterladen",
    chartInTrend: "Im Verlauf zeichnen",
    copyLinkTo: "Link zu dieser Anweisung kopieren",
    noRows: "Die Antwort hat keine Zeilen.",
  },
);
