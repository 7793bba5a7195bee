// Questions that a person has saved: statements by their names, in the preferences of the person.

/** Their member of the preferences. */
export const QUESTIONS = "questions";

export interface SavedQuestion {
  name: string;
  query: string;
}

function isQuestion(one: unknown): one is SavedQuestion {
  const { name, query } = (one ?? {}) as Partial<SavedQuestion>;
  return typeof name === "string" && typeof query === "string";
}

/** The questions in what is stored, sorted by name. What is no question is left out: other programs may write preferences too. */
export function questionsIn(stored: unknown): SavedQuestion[] {
  const questions = Array.isArray(stored) ? stored.filter(isQuestion).map(({ name, query }) => ({ name, query })) : [];
  return questions.sort((a, b) => a.name.localeCompare(b.name));
}

/** Adds a question; one of the same name is replaced. */
export function withQuestion(stored: unknown, question: SavedQuestion): SavedQuestion[] {
  return questionsIn([...without(stored, question.name), question]);
}

export function without(stored: unknown, name: string): SavedQuestion[] {
  return questionsIn(stored).filter((other) => other.name !== name);
}

/** Gives a question another name; nothing changes if there is none of the old name, which another tab may have deleted. */
export function renamed(stored: unknown, from: string, to: string): SavedQuestion[] {
  const question = questionsIn(stored).find(({ name }) => name === from);
  return question ? withQuestion(without(stored, from), { ...question, name: to }) : questionsIn(stored);
}
