// Follows every reading with graphql-ws (https://github.com/enisdenjo/graphql-ws), from a cursor if one is given:
//     node follow.mjs ws://HOST:PORT/graphql/ws KEY [CURSOR]
// Prints each message as a line of JSON: {"rows": [[stream, ts, value], …], "cursor", "gap"}. It goes on until it is
// killed; an end that the server makes is one line {"ended": …}.
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";

const [url, key, after] = process.argv.slice(2);

const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: { Authorization: `ApiKey ${key}` },
  retryAttempts: 0,
});

const query = `subscription Follow($after: String) {
  values(after: $after) { readings { streamRowId ts value } cursor gap { from to } }
}`;

const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

client.subscribe(
  { query, variables: { after: after ?? null } },
  {
    next: ({ data, errors }) => {
      if (errors) {
        print({ ended: errors });
        return;
      }
      const { readings, cursor, gap } = data.values;
      print({ rows: readings.map(({ streamRowId, ts, value }) => [streamRowId, ts, value]), cursor, gap });
    },
    error: (error) => print({ ended: error.reason ?? error.message ?? error }),
    complete: () => print({ ended: "complete" }),
  },
);
