// Virtual rows: of a long table only those in view are in the document. All rows have the same height.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface Props<T> {
  rows: T[];
  /** Height of a row, CSS pixels. */
  height: number;
  head: ComponentChildren;
  label: string;
  row: (row: T, index: number) => ComponentChildren;
  /** Number of columns. */
  columns: number;
  /** Called with the rows that are in view. */
  seen?: (rows: T[]) => void;
}

/** Rows above and below the view, so that scrolling shows no blank. */
const BEYOND = 8;

export function VirtualTable<T>({ rows, height, head, label, row, columns, seen }: Props<T>) {
  const place = useRef<HTMLDivElement>(null);
  const [[first, count], setWindow] = useState<[number, number]>([0, 40]);
  const look = () => {
    const element = place.current;
    if (!element) return;
    const top = Math.max(0, Math.floor(element.scrollTop / height) - BEYOND);
    setWindow([top, Math.ceil(element.clientHeight / height) + 2 * BEYOND]);
  };
  useEffect(() => {
    look();
    const observer = new ResizeObserver(look);
    if (place.current) observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  const start = Math.min(first, Math.max(0, rows.length - 1));
  const shown = rows.slice(start, start + count);
  useEffect(() => seen?.(shown), [rows, start, count]);
  const after = Math.max(0, rows.length - start - shown.length);
  return (
    <div class="table-scroll" ref={place} onScroll={look} tabIndex={0} role="region" aria-label={label}>
      <table aria-rowcount={rows.length + 1}>
        <thead>{head}</thead>
        <tbody>
          {start > 0 && <tr aria-hidden="true" style={{ height: `${start * height}px` }}><td colSpan={columns} /></tr>}
          {shown.map((entry, i) => row(entry, start + i))}
          {after > 0 && <tr aria-hidden="true" style={{ height: `${after * height}px` }}><td colSpan={columns} /></tr>}
        </tbody>
      </table>
    </div>
  );
}
