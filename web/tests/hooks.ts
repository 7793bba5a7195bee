// Runs a hook without a page: in a component that draws nothing.

import { h, render } from "preact";
import { act } from "preact/test-utils";

export interface Mounted<T> {
  /** Value that the hook returned last. */
  value: () => T;
  /** Does something, and lets all happen that follows from it without a timer. */
  after: (work: () => unknown) => Promise<void>;
  unmount: () => Promise<void>;
}

export async function mount<T>(hook: () => T): Promise<Mounted<T>> {
  let latest: T | undefined;
  const Component = () => {
    latest = hook();
    return null;
  };
  const place = {} as Element;
  const settle = () => new Promise<void>((done) => setImmediate(done));
  const after = async (work: () => unknown) => {
    await act(async () => {
      await work();
      await settle();
    });
    // Effects run at the end of it, and begin something of their own.
    await act(settle);
  };
  await after(() => render(h(Component, null), place));
  return { value: () => latest as T, after, unmount: () => after(() => render(null, place)) };
}
