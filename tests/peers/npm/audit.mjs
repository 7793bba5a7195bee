// Runs the audits of the package graphql-http against a server and prints what each said, as JSON.
//
//   node audit.mjs URL KEY

import { serverAudits } from 'graphql-http';

const [url, key] = process.argv.slice(2);

const fetchFn = (input, init = {}) =>
  fetch(input, { ...init, headers: { ...init.headers, authorization: `ApiKey ${key}` } });

const results = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const result = await audit.fn();
  results.push({ id: audit.id, name: audit.name, status: result.status, reason: result.reason ?? null });
}
console.log(JSON.stringify(results));
