// The painter: for each pixel column one vertical run of what lies in it, written into an image. Nothing between the least and
// the largest value of a bucket is lost, and nothing is drawn where there is no data.

import { isJoined, type Marks } from "./marks.ts";

/** An image in device pixels; `data` as in `ImageData`, four bytes a pixel. */
export interface Surface {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

export interface Rgb {
  r: number;
  g: number;
  b: number;
}

/** How a stream is drawn. */
export interface Pen {
  colour: Rgb;
  /** Thickness of the line, device pixels. */
  thickness: number;
  /** Whether a value holds until the next, as of states and of what is stored on change. */
  isStepped: boolean;
  /** Length of dashes and of the space between them, device pixels; 0 for a whole line. */
  dash: number;
  /** Milliseconds between two readings. */
  interval: number;
  /** Alpha of the band between the least and the largest value, 0 to 255. */
  band: number;
}

/** Ranges of time and values that an image shows. */
export interface Window {
  from: number;
  to: number;
  lo: number;
  hi: number;
}

/** A colour as it lies in the memory of an image: red first, which every machine with a browser reads as the lowest byte. */
function packed({ r, g, b }: Rgb, alpha: number): number {
  return ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/** A colour over another, neither of them premultiplied. */
function over(colour: number, below: number): number {
  const alpha = colour >>> 24;
  const rest = ((below >>> 24) * (255 - alpha)) / 255;
  const whole = alpha + rest;
  const mix = (shift: number) => Math.round((((colour >>> shift) & 255) * alpha + ((below >>> shift) & 255) * rest) / whole) << shift;
  return ((Math.round(whole) << 24) | mix(16) | mix(8) | mix(0)) >>> 0;
}

/** The pixels of a surface as whole numbers. */
function pixelsOf({ data }: Surface): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.length / 4);
}

/** Least and largest y in each pixel column; painted once, so that nothing darkens where two parts meet. */
class Columns {
  private readonly top: Float64Array;
  private readonly bottom: Float64Array;

  constructor(private readonly surface: Surface) {
    this.top = new Float64Array(surface.width).fill(Infinity);
    this.bottom = new Float64Array(surface.width).fill(-Infinity);
  }

  extend(x: number, y0: number, y1: number): void {
    if (x < 0 || x >= this.surface.width) return;
    const [least, most] = y0 < y1 ? [y0, y1] : [y1, y0];
    if (least < (this.top[x] as number)) this.top[x] = least;
    if (most > (this.bottom[x] as number)) this.bottom[x] = most;
  }

  /** A straight line between two points. */
  join(x0: number, y0: number, x1: number, y1: number): void {
    const slope = x1 > x0 ? (y1 - y0) / (x1 - x0) : 0;
    const first = Math.max(0, Math.floor(x0));
    const last = Math.min(this.surface.width - 1, Math.floor(x1));
    if (first === last || x1 <= x0) this.extend(Math.floor(x0), y0, y1);
    for (let x = first; x <= last && last > first; x += 1) {
      const left = Math.max(x, x0);
      const right = Math.min(x + 1, x1);
      this.extend(x, y0 + (left - x0) * slope, y0 + (right - x0) * slope);
    }
  }

  /** Paints every column, at least so many pixels high; `dash` leaves spaces. */
  paint(colour: number, least: number, dash: number): void {
    const { width, height } = this.surface;
    const pixels = pixelsOf(this.surface);
    for (let x = 0; x < width; x += 1) {
      const [top, bottom] = [this.top[x] as number, this.bottom[x] as number];
      const isSpace = dash > 0 && Math.floor(x / dash) % 2 === 1;
      // What has no value is not a number, and fails here as what has nothing does.
      if (isSpace || !(top <= bottom)) continue;
      const grown = Math.max(0, (least - (bottom - top)) / 2);
      const first = Math.max(0, Math.round(top - grown));
      const end = Math.min(height, Math.max(Math.round(bottom + grown), Math.round(top - grown) + 1));
      fill(pixels, first * width + x, end * width + x, width, colour);
    }
  }
}

/** Fills one column of pixels. */
function fill(pixels: Uint32Array, first: number, end: number, width: number, colour: number): void {
  const isOpaque = colour >>> 24 === 255;
  for (let at = first; at < end; at += width) {
    const below = pixels[at] as number;
    pixels[at] = isOpaque || below === 0 ? colour : over(colour, below);
  }
}

/** Draws the marks of one stream: the band of each bucket, the line through the means, single readings as dots. */
export function paint(surface: Surface, marks: Marks, window: Window, pen: Pen): void {
  const xOf = (time: number) => ((time - window.from) / (window.to - window.from)) * surface.width;
  const yOf = (value: number) => ((window.hi - value) / (window.hi - window.lo)) * surface.height;
  const [band, line, dots] = [new Columns(surface), new Columns(surface), new Columns(surface)];
  for (let i = 0; i < marks.start.length; i += 1) {
    if (Number.isNaN(marks.lo[i])) continue;
    const [x0, x1] = [xOf(marks.start[i] as number), xOf(marks.end[i] as number)];
    const [top, bottom] = [yOf(marks.hi[i] as number), yOf(marks.lo[i] as number)];
    const [middle, y] = [(x0 + x1) / 2, yOf(marks.mean[i] as number)];
    if (bottom > top) {
      const end = Math.min(surface.width, Math.max(Math.floor(x0) + 1, Math.round(x1)));
      for (let x = Math.max(0, Math.floor(x0)); x < end; x += 1) band.extend(x, top, bottom);
    }
    const isAfter = isJoined(marks, i, pen.interval);
    if (isAfter) {
      const before = (xOf(marks.start[i - 1] as number) + xOf(marks.end[i - 1] as number)) / 2;
      const yBefore = yOf(marks.mean[i - 1] as number);
      line.join(before, yBefore, middle, pen.isStepped ? yBefore : y);
      if (pen.isStepped) line.join(middle, yBefore, middle, y);
    } else {
      line.extend(Math.floor(middle), y, y);
      // A reading that is joined to no other would be too small to be seen.
      if (!(i + 1 < marks.start.length && isJoined(marks, i + 1, pen.interval))) dot(dots, middle, y, pen.thickness);
    }
  }
  band.paint(packed(pen.colour, pen.band), 0, 0);
  line.paint(packed(pen.colour, 255), pen.thickness, pen.dash);
  dots.paint(packed(pen.colour, 255), 0, 0);
}

function dot(dots: Columns, x: number, y: number, thickness: number): void {
  const size = Math.max(2, Math.round(thickness * 1.5));
  for (let dx = 0; dx < size; dx += 1) dots.extend(Math.round(x - size / 2) + dx, y - size / 2, y + size / 2);
}
