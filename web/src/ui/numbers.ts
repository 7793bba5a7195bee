// Numbers as people type them: with a decimal point or a decimal comma.

/** The number that a text means; undefined for an empty text, NaN for one that is no number. */
export function parseNumber(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (!/^[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?$/i.test(trimmed)) return NaN;
  return Number(trimmed.replace(",", "."));
}
