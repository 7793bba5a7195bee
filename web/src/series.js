// Which columns of an answer make a chart: a time, numbers over it, and perhaps whose they are.

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?$/;
/** More lines than this tell nothing. */
const MAX_LINES = 12;

const isTime = (value) => typeof value === "string" && TIME.test(value);
const isNumber = (value) => typeof value === "number";
/** Without a zone it is UTC. */
const seconds = (text) => Date.parse(text.endsWith("Z") ? text : `${text}Z`) / 1000;

/** Whether all values of a column that are there are of a kind, and one is there. */
function holds(rows, column, isKind) {
  const values = rows.map((row) => row[column]).filter((value) => value !== null);
  return values.length > 0 && values.every(isKind);
}

/**
 * `{ times, lines: [{ label, values }] }`, times ascending in seconds and each once; null when there is nothing to draw.
 * Where times repeat, a column of few ids or texts tells the lines apart.
 */
export function seriesOf(rows) {
  if (rows.length < 2) return null;
  const columns = Object.keys(rows[0]);
  const time = columns.find((column) => holds(rows, column, isTime));
  const numbers = columns.filter((column) => !/(^|_)id$/.test(column) && holds(rows, column, isNumber));
  if (!time || numbers.length === 0) return null;
  const dated = rows.filter((row) => row[time] !== null);
  const times = [...new Set(dated.map((row) => seconds(row[time])))].sort((a, b) => a - b);
  const distinct = (column) => new Set(dated.map((row) => row[column])).size;
  const tells = (column) => column !== time && !numbers.includes(column) && distinct(column) > 1;
  const whose = times.length === dated.length ? undefined : columns.find(tells);
  if (times.length < 2 || (times.length < dated.length && whose === undefined)) return null;
  return { times, lines: lines(dated, { time, numbers, whose, times }) };
}

function lines(rows, { time, numbers, whose, times }) {
  const place = new Map(times.map((at, index) => [at, index]));
  const found = new Map();
  for (const row of rows) {
    for (const column of numbers) {
      const label = whose === undefined ? column : [row[whose], numbers.length > 1 ? column : ""].join(" ").trim();
      if (!found.has(label)) {
        if (found.size === MAX_LINES) continue;
        found.set(label, { label, values: new Array(times.length).fill(null) });
      }
      found.get(label).values[place.get(seconds(row[time]))] = row[column];
    }
  }
  return [...found.values()];
}
