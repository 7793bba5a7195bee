// Path at which the server is reached: the root of its host, or a path of a proxy.

/** Scripts are served two levels below the root. In tests they are files, and there is none. */
export function rootOf(script: string): string {
  const url = new URL(script);
  return url.protocol.startsWith("http") ? new URL("../..", url).pathname.replace(/\/$/, "") : "";
}

/** Path of the server without a slash at its end, such as `/basalt`; empty at the root. */
export const ROOT = rootOf(import.meta.url);

/** Path at which the application is served. */
export const BASE = `${ROOT}/ui`;
