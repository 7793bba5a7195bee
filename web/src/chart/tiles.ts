// Cache of the known parts of streams: tiles of buckets or of single readings, the least recently used forgotten first.

import { type Range, STEPS, tileAt, tileRange, tilesOf } from "./levels.ts";

/** Part of a stream on the grid of one step; arrays by bucket, or by reading in a tile of readings. */
export interface Tile {
  /** Whether each entry is one reading, because there are few. */
  isRaw: boolean;
  /** Start of the bucket, or time of the reading; milliseconds. */
  t: Float64Array;
  lo: Float64Array;
  hi: Float64Array;
  mean: Float64Array;
  /** Number of values. */
  n: Float64Array;
  /** Number of readings without a value. */
  bad: Float64Array;
  /** Number of readings of uncertain quality; only known of single readings. */
  uncertain: Float64Array;
}

/** A tile, and the part of the view that it is drawn in. */
export interface Block extends Range {
  tile: Tile;
  /** Step of the tile, milliseconds. */
  step: number;
}

const ARRAYS = 7;

export function tileBytes(tile: Tile): number {
  return tile.t.length * 8 * ARRAYS + 200;
}

export function emptyTile(): Tile {
  const none = new Float64Array(0);
  return { isRaw: false, t: none, lo: none, hi: none, mean: none, n: none, bad: none, uncertain: none };
}

interface StoredTile {
  tile: Tile;
  isStale: boolean;
}

function keyOf(stream: number, step: number, index: number): string {
  return `${stream}/${step}/${index}`;
}

/** Tiles that were written into while a question was under way: its answer may be without that. */
export class Writes {
  private readonly keys = new Set<string>();
  private isUnknown = false;

  add(key: string): void {
    this.keys.add(key);
  }

  /** Notes that anything may have been written. */
  addUnknown(): void {
    this.isUnknown = true;
  }

  /** Whether something may have been written into a tile, one that is not in the cache included. */
  has(stream: number, step: number, index: number): boolean {
    return this.isUnknown || this.keys.has(keyOf(stream, step, index));
  }
}

export class TileCache {
  /** In the order of use, which a Map keeps. */
  private readonly tiles = new Map<string, StoredTile>();
  private bytes = 0;
  /** One of each question that is under way. */
  private readonly watches = new Set<Writes>();

  constructor(private readonly limit = 64 * 1024 * 1024) {}

  /** Begins to note what is written, until `unwatch`: before a question is sent. */
  watch(): Writes {
    const writes = new Writes();
    this.watches.add(writes);
    return writes;
  }

  unwatch(writes: Writes): void {
    this.watches.delete(writes);
  }

  get(stream: number, step: number, index: number): Tile | undefined {
    const key = keyOf(stream, step, index);
    const kept = this.tiles.get(key);
    if (!kept) return undefined;
    this.tiles.delete(key);
    this.tiles.set(key, kept);
    return kept.tile;
  }

  /** Puts a tile in; one that is not final is shown, and asked for again. */
  set(stream: number, step: number, index: number, tile: Tile, isFinal = true): void {
    const key = keyOf(stream, step, index);
    this.drop(key);
    this.tiles.set(key, { tile, isStale: !isFinal });
    this.bytes += tileBytes(tile);
    for (const oldest of this.tiles.keys()) {
      if (this.bytes <= this.limit || oldest === key) break;
      this.drop(oldest);
    }
  }

  private drop(key: string): void {
    const kept = this.tiles.get(key);
    if (!kept) return;
    this.bytes -= tileBytes(kept.tile);
    this.tiles.delete(key);
  }

  /** Whether a tile has to be asked for: it is not there, or something has been written into its time since. */
  isMissing(stream: number, step: number, index: number): boolean {
    return this.tiles.get(keyOf(stream, step, index))?.isStale ?? true;
  }

  /** Notes that a reading was written. What is there is shown until its successor has come; on steps not in view it goes. */
  written(stream: number, time: number, shownStep: number): void {
    for (const step of STEPS) {
      const key = keyOf(stream, step, tileAt(time, step));
      for (const writes of this.watches) writes.add(key);
      const kept = this.tiles.get(key);
      if (!kept) continue;
      if (step === shownStep) kept.isStale = true;
      else this.drop(key);
    }
  }

  /** Notes that readings may have been written that nobody told of. What is there is shown until its successor has come. */
  missed(): void {
    for (const writes of this.watches) writes.addUnknown();
    for (const kept of this.tiles.values()) kept.isStale = true;
  }

  /** Blocks of a range that can be drawn at once: tiles of the step, else of a coarser one, else of finer ones. */
  blocks(stream: number, step: number, range: Range): Block[] {
    const found: Block[] = [];
    const [first, last] = tilesOf(range, step);
    for (let index = first; index <= last; index += 1) {
      const tile = this.get(stream, step, index);
      const part = overlap(tileRange(index, step), range);
      if (tile) found.push({ tile, step, ...part });
      else found.push(...this.substitutes(stream, step, part));
    }
    return found;
  }

  private substitutes(stream: number, step: number, part: Range): Block[] {
    for (const coarser of STEPS.filter((other) => other > step)) {
      const [first, last] = tilesOf(part, coarser);
      const tile = first === last ? this.get(stream, coarser, first) : undefined;
      if (tile) return [{ tile, step: coarser, ...part }];
    }
    for (const finer of STEPS.filter((other) => other < step && other * 64 >= step).reverse()) {
      const [first, last] = tilesOf(part, finer);
      const blocks: Block[] = [];
      for (let index = first; index <= last; index += 1) {
        const tile = this.get(stream, finer, index);
        if (tile) blocks.push({ tile, step: finer, ...overlap(tileRange(index, finer), part) });
      }
      if (blocks.length > 0) return blocks;
    }
    return [];
  }
}

function overlap(a: Range, b: Range): Range {
  return { from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) };
}
