// The charts as a picture: title, legend, what is drawn, range and zone.

/** Space around, height of a line of text, CSS pixels. */
const [AIR, LINE] = [16, 20];
const FONT = "13px system-ui, sans-serif";

export interface PictureWords {
  title: string;
  /** Range and zone, below the charts. */
  below: string;
}

interface Part {
  /** Names with the colour of their line; none for what is only a unit. */
  legend: { text: string; colour: string }[];
  canvases: HTMLCanvasElement[];
}

function partsOf(figure: HTMLElement): Part[] {
  return [...figure.querySelectorAll<HTMLElement>(".chart")].map((chart) => {
    const group = chart.parentElement as HTMLElement;
    const names = [...group.querySelectorAll<HTMLElement>(".chart-title > span")];
    const legend = names.map((name) => ({ text: (name.textContent ?? "").trim(), colour: name.querySelector<HTMLElement>(".swatch")?.style.color ?? "" }));
    return { legend, canvases: [...group.querySelectorAll("canvas")] };
  });
}

/** Writes the names of a chart in one line; returns nothing, as they are cut at its end like any text that is too long. */
function drawLegend(context: CanvasRenderingContext2D, legend: Part["legend"], x: number, y: number, text: string): void {
  let left = x;
  for (const { text: name, colour } of legend) {
    if (colour) {
      context.fillStyle = colour;
      context.fillRect(left, y - 6, 16, 3);
      left += 22;
    }
    context.fillStyle = text;
    context.fillText(name, left, y);
    left += context.measureText(name).width + 16;
  }
}

/** Draws the charts of a figure into a picture of their own, at the resolution of the screen. */
export function pictureOf(figure: HTMLElement, words: PictureWords): Promise<Blob> {
  const parts = partsOf(figure);
  const ratio = devicePixelRatio;
  const heightOf = ({ canvases }: Part) => canvases.reduce((sum, canvas) => sum + canvas.clientHeight, LINE);
  const width = figure.clientWidth + 2 * AIR;
  const height = parts.reduce((sum, part) => sum + heightOf(part) + 8, 2 * AIR + 2 * LINE + 8);
  const picture = document.createElement("canvas");
  picture.width = Math.round(width * ratio);
  picture.height = Math.round(height * ratio);
  const context = picture.getContext("2d") as CanvasRenderingContext2D;
  const { color, backgroundColor } = getComputedStyle(document.body);
  context.scale(ratio, ratio);
  context.fillStyle = backgroundColor;
  context.fillRect(0, 0, width, height);
  context.fillStyle = color;
  context.font = `600 ${FONT.replace("13px", "15px")}`;
  context.fillText(words.title, AIR, AIR + 14);
  context.font = FONT;
  let top = AIR + LINE + 8;
  for (const part of parts) {
    drawLegend(context, part.legend, AIR + 64, top + 14, color);
    top += LINE;
    for (const canvas of part.canvases) {
      const left = canvas.getBoundingClientRect().left - figure.getBoundingClientRect().left;
      context.drawImage(canvas, AIR + left, top, canvas.clientWidth, canvas.clientHeight);
      top += canvas.clientHeight;
    }
    top += 8;
  }
  context.fillStyle = color;
  context.fillText(words.below, AIR, top + 14);
  return new Promise((done, failed) => {
    picture.toBlob((blob) => (blob ? done(blob) : failed(new Error("the browser made no picture"))), "image/png");
  });
}
