// State of a trend while it is open: its range, its tiles, its events. Components draw from these signals; a gesture changes
// the range without drawing the page anew.

import { type Signal, signal } from "@preact/signals";
import { graph } from "../../api/graph.ts";
import { ApiError, isAborted } from "../../api/http.ts";
import { follow } from "../../api/live.ts";
import type { Event } from "../../api/types.ts";
import { type Band, bandOf } from "../../chart/bands.ts";
import { type PriorReading, LONGEST_HOLD, loadPriorReadings, withPriorReading } from "../../chart/priorReading.ts";
import { type Range, stepFor, tileAt, tileRange } from "../../chart/levels.ts";
import { Loader } from "../../chart/loader.ts";
import { type Marks, marksOf, moved } from "../../chart/marks.ts";
import { parseShift } from "../../chart/range.ts";
import type { MarksOf } from "../../chart/series.ts";
import { TileCache } from "../../chart/tiles.ts";
import { isUtc } from "../../ui/format.ts";
import { EVENTS, WRITTEN } from "./queries.ts";

/** Events that are drawn. */
export const MOST_EVENTS = 300;
/** An event that began before the view may go on in it: so many milliseconds before are asked for too. */
const BEFORE = 3_600_000;
/** Least time between two requests for what is written, milliseconds; a long view, where little moves, asks every minute. */
const REFRESH = 1000;
const LONGEST_REFRESH = 60_000;
/** Milliseconds from the first answer until its picture is painted, and until a slow one is waited for no longer. */
const PAINTED = 50;
const LONGEST_WAIT = 1000;

export class TrendModel {
  readonly range: Signal<Range>;
  readonly version = signal(0);
  readonly cursor = signal<number | undefined>(undefined);
  readonly bands = signal<Band[]>([]);
  readonly hasMoreEvents = signal(false);
  readonly isBusy = signal(false);
  readonly error = signal<ApiError | undefined>(undefined);
  /** Whether the first readings have come, or were waited for long enough: what lies beside the picture is asked for then. */
  readonly hasPicture = signal(false);
  /** Width of the plot area, CSS pixels. */
  readonly width = signal(800);
  /** Whether a gesture holds the range. */
  isHeld = false;
  private compare = "";
  private streams: number[] = [];
  /** Streams that are stored on change. */
  private holding: number[] = [];
  private prior = new Map<number, PriorReading>();
  private heldFor = "";
  private heldControl: AbortController | undefined;
  private readonly cache = new TileCache();
  private readonly loader: Loader;
  private readonly loaderBefore: Loader;
  private known = new Map<string, Marks>();
  private knownFor = "";
  private refresh: ReturnType<typeof setTimeout> | undefined;
  private waiting: ReturnType<typeof setTimeout>;
  private eventsTimer: ReturnType<typeof setTimeout> | undefined;
  private eventsControl: AbortController | undefined;

  constructor(range: Range) {
    this.range = signal(range);
    const make = () =>
      new Loader(
        this.cache,
        () => {
          this.version.value += 1;
          if (!this.hasPicture.peek()) setTimeout(this.endWait, PAINTED);
        },
        (error) => {
          this.error.value = error;
        },
        (isBusy) => {
          this.isBusy.value = isBusy;
        },
      );
    this.loader = make();
    this.loaderBefore = make();
    this.waiting = setTimeout(this.endWait, LONGEST_WAIT);
  }

  private readonly endWait = (): void => {
    this.hasPicture.value = true;
  };

  get step(): number {
    return stepFor(this.range.peek(), this.width.peek());
  }

  setStreams(streams: number[]): void {
    this.streams = streams;
    this.load();
  }

  /** Says which of the streams are stored on change: their readings before the view hold into it. */
  setHolding(holding: number[]): void {
    this.holding = holding;
    this.loadPriorReadings();
  }

  /** Another width may have another level, and what is drawn of it may be there already. */
  setWidth(width: number): void {
    if (width === this.width.peek()) return;
    this.width.value = width;
    this.version.value += 1;
    this.load();
  }

  /** Compares with a time before, such as `-7d`, or with none. */
  setCompare(compare: string): void {
    this.compare = compare;
    this.version.value += 1;
    this.load();
  }

  /** How far before the view lies what it is compared with, milliseconds; 0 for no comparison. */
  readonly shift = (): number => parseShift(this.compare, this.range.peek().from, isUtc.peek()) ?? 0;

  show(range: Range): void {
    this.range.value = range;
    this.load();
  }

  load(): void {
    this.loader.want({ streams: this.streams, range: this.range.peek(), step: this.step });
    const shift = this.shift();
    if (shift > 0) {
      const { from, to } = this.range.peek();
      this.loaderBefore.want({ streams: this.streams, range: { from: from - shift, to: to - shift }, step: this.step });
    }
    this.loadPriorReadings();
  }

  /** The tiles of the view and one beside each edge, which is what the loader asks for. */
  private get loaded(): Range {
    const { from, to } = this.range.peek();
    const { step } = this;
    return { from: tileRange(tileAt(from, step) - 1, step).from, to: tileRange(tileAt(to, step) + 1, step).to };
  }

  private heldKey(): string {
    return `${this.loaded.from}/${this.holding.join()}`;
  }

  /** Asks for what holds into the tiles, where these do not reach back far enough. */
  private loadPriorReadings(): void {
    const key = this.heldKey();
    const { from } = this.loaded;
    if (key === this.heldFor) return;
    this.heldControl?.abort();
    this.heldFor = key;
    this.prior = new Map();
    if (this.holding.length === 0 || this.range.peek().from - from > LONGEST_HOLD) return;
    this.heldControl = new AbortController();
    loadPriorReadings(this.holding, from, this.heldControl.signal).then(
      (prior) => {
        this.prior = prior;
        this.version.value += 1;
      },
      (error: unknown) => {
        if (isAborted(error)) return;
        this.heldFor = "";
        this.error.value = error instanceof ApiError ? error : new ApiError(String(error), 0);
      },
    );
  }

  /** Known marks of a stream in the tiles of the view and beside it: the same for all frames of a small movement. */
  readonly marks: MarksOf = (stream, isBefore) => {
    const { from, to } = this.loaded;
    const shift = isBefore ? this.shift() : 0;
    const key = `${from}/${to}/${this.version.peek()}/${this.step}`;
    if (key !== this.knownFor) {
      this.known.clear();
      this.knownFor = key;
    }
    let marks = this.known.get(`${stream}/${shift}`);
    if (!marks) {
      const found = marksOf(this.cache.blocks(stream, this.step, { from: from - shift, to: to - shift }));
      marks = isBefore ? moved(found, shift) : withPriorReading(found, this.prior.get(stream));
      this.known.set(`${stream}/${shift}`, marks);
    }
    return marks;
  };

  /** Whether there are readings of these streams in view, and each is drawn by itself. */
  isRaw(streams: number[]): boolean {
    const { from, to } = this.range.peek();
    const lengths = streams.flatMap((stream) => {
      const { start, end } = this.marks(stream, false);
      return start.flatMap((begin, i) => (begin < to && (end[i] as number) >= from ? [(end[i] as number) - begin] : []));
    });
    return lengths.length > 0 && lengths.every((length) => length === 0);
  }

  /** Follows what is written to streams that are there; returns what ends it. */
  followWritten(streams: number[]): () => void {
    if (streams.length === 0) return () => {};
    const stop = follow(
      WRITTEN,
      { streams: streams.map(String) },
      ({ values }) => {
        for (const { streamRowId, ts } of values.readings) this.cache.written(streamRowId, Date.parse(ts), this.step);
        if (values.readings.length > 0) this.loadSoon();
      },
      (error) => {
        this.error.value = error;
      },
      () => {
        this.cache.missed();
        this.load();
      },
    );
    // Nobody told of what was written since the tiles were asked for.
    for (const stream of streams) this.cache.written(stream, Date.now(), this.step);
    this.loadSoon();
    return () => {
      stop();
      clearTimeout(this.refresh);
      this.refresh = undefined;
    };
  }

  private loadSoon(): void {
    this.refresh ??= setTimeout(() => {
      this.refresh = undefined;
      this.load();
    }, Math.min(LONGEST_REFRESH, Math.max(REFRESH, this.step / 2)));
  }

  /** Asks for the events in view, of these streams and devices. */
  loadEvents(isWanted: boolean, concerns: (event: Event) => boolean): void {
    clearTimeout(this.eventsTimer);
    this.eventsControl?.abort();
    if (!isWanted) {
      this.bands.value = [];
      this.hasMoreEvents.value = false;
      return;
    }
    this.eventsTimer = setTimeout(() => {
      const control = new AbortController();
      this.eventsControl = control;
      const { from, to } = this.range.peek();
      const variables = { from: new Date(from - BEFORE).toISOString(), to: new Date(to).toISOString(), first: MOST_EVENTS };
      graph(EVENTS, variables, control.signal).then(
        ({ events }) => {
          this.bands.value = events.nodes.filter(concerns).map((event) => bandOf(event, Date.now()));
          this.hasMoreEvents.value = events.pageInfo.hasNextPage;
        },
        (error: unknown) => {
          if (!isAborted(error)) this.error.value = error instanceof ApiError ? error : new ApiError(String(error), 0);
        },
      );
    }, 300);
  }

  stop(): void {
    clearTimeout(this.waiting);
    this.loader.stop();
    this.loaderBefore.stop();
    this.heldControl?.abort();
    clearTimeout(this.refresh);
    clearTimeout(this.eventsTimer);
    this.eventsControl?.abort();
  }
}
