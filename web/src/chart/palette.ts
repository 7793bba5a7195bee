// Colours of series: far from each other for every kind of colour vision and from the red and amber of alarms. After six they
// come again dashed, then dotted.

const LIGHT = ["#585aa0", "#b18e15", "#359792", "#610030", "#6c4c02", "#2a1d7c"];
const DARK = ["#a9b0fd", "#fadb86", "#5ef9f1", "#fb6ca0", "#a27825", "#6f6de8"];
/** Length of dashes in CSS pixels, by the round of colours. */
const DASHES = [0, 6, 2];

export interface SeriesStyle {
  colour: string;
  dash: number;
}

export function seriesStyle(index: number, isDark: boolean): SeriesStyle {
  const colours = isDark ? DARK : LIGHT;
  const round = Math.floor(index / colours.length) % DASHES.length;
  return { colour: colours[index % colours.length] as string, dash: DASHES[round] as number };
}

/** A colour written as `#rrggbb`. */
export function rgb(colour: string): { r: number; g: number; b: number } {
  const number = Number.parseInt(colour.slice(1), 16);
  return { r: number >> 16, g: (number >> 8) & 255, b: number & 255 };
}

/** Contrast of two colours as WCAG defines it. */
export function contrast(one: string, other: string): number {
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function luminance(colour: string): number {
  const { r, g, b } = rgb(colour);
  const [lr, lg, lb] = [r, g, b].map((part) => {
    const share = part / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * lr + 0.7152 * lg + 0.0722 * lb;
}
