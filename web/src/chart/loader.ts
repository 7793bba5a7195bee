// Fills the cache of tiles: asks at once for the first view, later after a rest, all streams in one request, what is in view before
// what lies beside it, and gives up what has left the view.

import type { Table } from "@uwdata/flechette";
import { ApiError, isAborted } from "../api/http.ts";
import { numbers, sql } from "../api/sql.ts";
import { type Range, stepText, TILE, tileAt, tileRange, tilesOf } from "./levels.ts";
import { emptyTile, type Tile, type TileCache, type Writes } from "./tiles.ts";

/** Milliseconds without another wish before the server is asked. */
const REST = 80;
/** A tile with so few readings is drawn reading by reading: four a bucket. */
export const RAW = 4 * TILE;
/** Tiles of one request: a view has at most some three thousand pixels. */
const MOST_TILES = 16;

/** The statement that a level of these streams is read by; also what "As SQL" shows. */
export function bucketSql(streams: number[]): string {
  return `SELECT stream_id, time_bucket($step, ts) AS t, min(value) AS lo, max(value) AS hi, avg(value) AS mean,
       count(value) AS n, count(*) - count(value) AS bad
FROM readings
WHERE stream_id IN (${streams.join(", ")}) AND ts >= $from AND ts < $to
GROUP BY 1, 2
ORDER BY 1, 2`;
}

function rawSql(streams: number[]): string {
  return `SELECT stream_id, ts AS t, value,
       CASE quality WHEN 'good' THEN 0 WHEN 'uncertain' THEN 1 ELSE 2 END AS quality
FROM readings
WHERE stream_id IN (${streams.join(", ")}) AND ts >= $from AND ts < $to
ORDER BY 1, 2`;
}

/** A range as parameters; bounds of tiles are whole milliseconds. */
function times({ from, to }: Range): { from: string; to: string } {
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}

export interface Wish {
  streams: number[];
  range: Range;
  step: number;
}

/** First and end row of each stream in rows that are ordered by it. */
function rowsByStream(table: Table): Map<number, [number, number]> {
  const ids = numbers(table, "stream_id");
  const found = new Map<number, [number, number]>();
  ids.forEach((id, row) => {
    const known = found.get(id);
    if (known) known[1] = row + 1;
    else found.set(id, [row, row + 1]);
  });
  return found;
}

/** Tiles of buckets of one stream, by index; also those without any. */
export function bucketTiles(columns: Record<"t" | "lo" | "hi" | "mean" | "n" | "bad", Float64Array>, step: number): Map<number, Tile> {
  const tiles = new Map<number, Tile>();
  const times = columns.t;
  for (let start = 0; start < times.length;) {
    const index = tileAt(times[start] as number, step);
    let end = start;
    while (end < times.length && tileAt(times[end] as number, step) === index) end += 1;
    const part = (name: keyof typeof columns) => columns[name].slice(start, end);
    const uncertain = new Float64Array(end - start);
    tiles.set(index, { isRaw: false, t: part("t"), lo: part("lo"), hi: part("hi"), mean: part("mean"), n: part("n"), bad: part("bad"), uncertain });
    start = end;
  }
  return tiles;
}

/** A tile of single readings. */
export function rawTile(t: Float64Array, value: Float64Array, quality: Float64Array): Tile {
  const n = value.map((number) => (Number.isNaN(number) ? 0 : 1));
  const bad = n.map((count) => 1 - count);
  return { isRaw: true, t, lo: value, hi: value, mean: value, n, bad, uncertain: quality.map((code) => (code === 1 ? 1 : 0)) };
}

export class Loader {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private control: AbortController | undefined;
  private asking: Wish | undefined;
  /** The view to load when the present answer has come. */
  private next: Wish | undefined;
  /** Nobody waits for the first picture longer than it takes. */
  private hasAsked = false;

  constructor(
    private readonly cache: TileCache,
    private readonly changed: () => void,
    /** Told undefined when all is there again. */
    private readonly failed: (error: ApiError | undefined) => void,
    private readonly busy: (isBusy: boolean) => void,
  ) {}

  /** Says what is in view. Something is asked for, after a rest but for the first time, if it is missing. */
  want(wish: Wish): void {
    if (this.asking && !isSameView(this.asking, wish)) this.control?.abort();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.load(wish), this.hasAsked ? REST : 0);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.next = undefined;
    this.control?.abort();
  }

  private async load(wish: Wish): Promise<void> {
    const [first, last] = tilesOf(wish.range, wish.step);
    if (last - first > MOST_TILES || wish.streams.length === 0) return;
    // What is of use is not asked for anew before it has come, or a slow answer would never come.
    if (this.asking) {
      this.next = wish;
      return;
    }
    this.hasAsked = true;
    const control = new AbortController();
    this.control = control;
    this.asking = wish;
    try {
      for (const [from, to] of [[first, last], [first - 1, first - 1], [last + 1, last + 1]] as const) {
        await this.fill(wish, from, to, control.signal);
      }
      this.failed(undefined);
    } catch (error) {
      if (isAborted(error)) return;
      this.failed(error instanceof ApiError ? error : new ApiError(String(error), 0));
    } finally {
      this.asking = undefined;
      this.busy(false);
      const { next } = this;
      this.next = undefined;
      if (next) this.want(next);
    }
  }

  /** Asks for what is missing of some tiles. */
  private async fill({ streams, step }: Wish, first: number, last: number, signal: AbortSignal): Promise<void> {
    const indexes = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    const missing = indexes.filter((index) => streams.some((stream) => this.cache.isMissing(stream, step, index)));
    if (missing.length === 0) return;
    this.busy(true);
    const [low, high] = [missing[0] as number, missing.at(-1) as number];
    const wanted = streams.filter((stream) => missing.some((index) => this.cache.isMissing(stream, step, index)));
    const range = { from: tileRange(low, step).from, to: tileRange(high, step).to };
    const load = () => sql(bucketSql(wanted), { step: stepText(step), ...times(range) }, signal);
    const few = await this.watched(load, (table, writes) => this.keepBuckets(table, wanted, [step, low, high], writes));
    for (const [index, sparse] of few) {
      const askReadings = () => sql(rawSql(sparse), times(tileRange(index, step)), signal);
      await this.watched(askReadings, (table, writes) => this.keepReadings(table, step, index, writes));
    }
    this.changed();
  }

  /** Keeps the answer to a question, with what was written while it was under way: tiles of that time stay stale, and the next wish asks for them again. */
  private async watched<T>(load: () => Promise<Table>, keep: (table: Table, writes: Writes) => T): Promise<T> {
    const writes = this.cache.watch();
    try {
      return keep(await load(), writes);
    } finally {
      this.cache.unwatch(writes);
    }
  }

  /** Puts buckets into the cache; the streams of each tile that has few readings, which are asked for one by one. */
  private keepBuckets(table: Table, streams: number[], [step, low, high]: [number, number, number], writes: Writes): Map<number, number[]> {
    const names = ["t", "lo", "hi", "mean", "n", "bad"] as const;
    const columns = Object.fromEntries(names.map((name) => [name, numbers(table, name)])) as Record<(typeof names)[number], Float64Array>;
    const places = rowsByStream(table);
    const few = new Map<number, number[]>();
    for (const stream of streams) {
      const [start, end] = places.get(stream) ?? [0, 0];
      const own = Object.fromEntries(names.map((name) => [name, columns[name].subarray(start, end)])) as typeof columns;
      const tiles = bucketTiles(own, step);
      for (let index = low; index <= high; index += 1) {
        const tile = tiles.get(index) ?? emptyTile();
        const readings = tile.n.reduce((sum, n) => sum + n, 0) + tile.bad.reduce((sum, n) => sum + n, 0);
        const isFew = readings > 0 && readings <= RAW;
        if (isFew) {
          few.set(index, [...(few.get(index) ?? []), stream]);
          // What was drawn reading by reading stays until its successor is there.
          if (this.cache.get(stream, step, index)?.isRaw) continue;
        }
        // Whoever gives up before the readings have come has to ask for them later.
        this.cache.set(stream, step, index, tile, !isFew && !writes.has(stream, step, index));
      }
    }
    if (few.size > 0) this.changed();
    return few;
  }

  private keepReadings(table: Table, step: number, index: number, writes: Writes): void {
    const [t, value, quality] = [numbers(table, "t"), numbers(table, "value"), numbers(table, "quality")];
    for (const [stream, [start, end]] of rowsByStream(table)) {
      const tile = rawTile(t.slice(start, end), value.slice(start, end), quality.slice(start, end));
      this.cache.set(stream, step, index, tile, !writes.has(stream, step, index));
    }
  }
}

/** Whether what is asked for is of use to a view: the same streams and step, and some of the range. */
function isSameView(one: Wish, other: Wish): boolean {
  const overlaps = one.range.from < other.range.to && other.range.from < one.range.to;
  return one.step === other.step && overlaps && one.streams.join() === other.streams.join();
}
