// The metrics of the server, in the text form of Prometheus, and what of them matters to people.

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Reads samples; comments and what is no number are left out. */
export function parseMetrics(text: string): Sample[] {
  return text.split("\n").flatMap((line) => {
    const found = LINE.exec(line);
    if (!found) return [];
    const value = Number(found[3]);
    if (Number.isNaN(value)) return [];
    const labels = [...(found[2] ?? "").matchAll(LABEL)].map((match) => [match[1], match[2]]);
    return [{ name: found[1] ?? "", labels: Object.fromEntries(labels), value }];
  });
}

/** The sum of all samples of a name; undefined if there is none. */
export function total(samples: Sample[], name: string): number | undefined {
  const found = samples.filter((sample) => sample.name === name);
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}

/** How much a counter grew a second between two looks; undefined without an earlier look, or after a restart of the server. */
export function rate(before: number | undefined, after: number | undefined, seconds: number): number | undefined {
  if (before === undefined || after === undefined || seconds <= 0 || after < before) return undefined;
  return (after - before) / seconds;
}
