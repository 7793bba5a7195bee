// InfluxDB's own client for Node.js, which batches points, compresses them and reads the answers.
//
//   node influx_writer.mjs URL KEY
//
// Writes points whose names need escapes, then one line that is wrong. Prints {"status", "message"} of the wrong line.

import { HttpError, InfluxDB, Point } from '@influxdata/influxdb-client';

const [url, token] = process.argv.slice(2);
const writer = (options) =>
  new InfluxDB({ url, token }).getWriteApi('default', 'plant', 'ms', { maxRetries: 0, gzipThreshold: 1, ...options });

const api = writer({});
api.writePoint(
  new Point('wea ther,1')
    .tag('host', 'edge 2')
    .tag('lo,c=at', 'a=b,c d')
    .floatField('temp', 21.5)
    .intField('count', 12)
    .booleanField('ok', true)
    .stringField('no te', 'say "hi" \\ there, = all')
    .timestamp(1_700_000_000_000),
);
for (let i = 0; i < 2500; i += 1) {
  api.writePoint(new Point('counter').tag('host', 'edge 2').intField('n', i).timestamp(1_700_000_000_000 + i));
}
await api.close();

let refused = { status: 204, message: '' };
const wrong = writer({
  writeFailed(error) {
    if (error instanceof HttpError) refused = { status: error.statusCode, message: JSON.parse(error.body).message };
    return Promise.resolve();
  },
});
wrong.writeRecord('m v=1');
wrong.writeRecord('m v=oops');
await wrong.close();
console.log(JSON.stringify(refused));
