// Words of the pages of events alone.

import { pageWords } from "../../words/index.ts";

export const t = pageWords(
  {
    note: "Note",
    acknowledgedBy: "by {name}",
    resolvedEnd: "resolved at {time}: its condition has ended",
    resolvedBy: "resolved at {time} by {name}",
    searchText: "Message contains",
    addNote: "Add a note",
    addNoteTime: "About this time",
    noteText: "Note for everybody",
    density: "Events over time: {n}. Choose a part to see it.",
    densityPart: "{from} to {to}: {n}",
  },
  {
    note: "Notiz",
    acknowledgedBy: "von {name}",
    resolvedEnd: "gelöst um {time}: die Bedingung ist zu Ende",
    resolvedBy: "gelöst um {time} von {name}",
    searchText: "Meldung enthält",
    addNote: "Notiz hinzufügen",
    addNoteTime: "Zu dieser Zeit",
    noteText: "Notiz für alle",
    density: "Ereignisse im Verlauf: {n}. Einen Teil wählen, um ihn zu sehen.",
    densityPart: "{from} bis {to}: {n}",
  },
);
