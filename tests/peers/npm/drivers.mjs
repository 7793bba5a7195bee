// node-postgres, with a pool, named statements, cursors and streams, asks a server and PostgreSQL the same.
//
//     node drivers.mjs '{"pg", "key", "postgres"}'
//
// Prints JSON: the number of checks, and those of which the two answers differ.
import pg from "pg";
import Cursor from "pg-cursor";
import QueryStream from "pg-query-stream";

const ELEVEN = new Date("2026-04-28T11:00:00Z");
const ROWS =
  "(SELECT n::int4 AS n, n::float8 / 8 AS value, timestamptz '2026-04-28 10:00:00.25Z' + n * interval '1 minute' AS ts, " +
  "CASE WHEN mod(n, 2) = 0 THEN 'it''s even' END AS text FROM generate_series(1, 120) AS n) AS r";
const VALUES = `SELECT value FROM ${ROWS} WHERE n > $1 ORDER BY n`;

const STATEMENTS = [
  ["SELECT 1::int2, 2::int4, 3::int8, 1.5::float4, 0.1::float8, 1.50::numeric(10, 2), 'x'::text, true, date '2026-04-28'"],
  ["SELECT time '01:02:03', timestamptz '2026-04-28 11:00:00Z', interval '3 days 00:00:04.5', '\\x00ff'::bytea AS b, NULL AS n"],
  ["SELECT ARRAY[1, 2]::int[] AS a, ARRAY['a', NULL]::text[] AS b, ARRAY[1.5]::float8[] AS c, ARRAY[true, false] AS d"],
  ["SELECT $1::int4, $2::timestamptz, $3::bool, $4::interval", [5, ELEVEN, true, "1 day 00:30"]],
  ["SELECT $1::int4[], $2::text[], $3::bytea", [[1, 2, null], ["a", 'b"c', null], Buffer.from([0, 255])]],
  ["SELECT $1 AS a, $2::int4 AS b, $3::date AS c", ["x", null, "2026-04-28"]],
  [`SELECT count(*) AS c FROM ${ROWS} WHERE n > $1 AND ts >= $2 AND value < $3`, [1, ELEVEN, 10.5]],
  [`SELECT count(*) AS c FROM ${ROWS} WHERE n = ANY($1)`, [[1, 3]]],
  [`SELECT count(*) AS c FROM ${ROWS} WHERE ts > $1::timestamptz - $2::interval`, [ELEVEN, "30 minutes"]],
  [`SELECT value FROM ${ROWS} ORDER BY n LIMIT $1 OFFSET $2`, [2, 3]],
  [`SELECT coalesce($1, value) AS v, CASE WHEN $2 THEN text ELSE $3 END AS k FROM ${ROWS} WHERE n = 2`, [2.5, true, "no"]],
];
const WRONG = ["SELEC", "SELECT 1 FROM nothing", "SELECT 1 / 0", "SELECT 'x'::int4"];

async function outcome(ask) {
  try {
    return JSON.stringify(await ask());
  } catch (error) {
    return `!${error.code ?? error.message}`;
  }
}

async function withClient(pool, use) {
  const client = await pool.connect();
  try {
    return await use(client);
  } finally {
    client.release();
  }
}

const cursors = (client) => async () => {
  const cursor = client.query(new Cursor(VALUES, [20]));
  const counts = [(await cursor.read(30)).length, (await cursor.read(200)).length, (await cursor.read(3)).length];
  await cursor.close();
  const unread = client.query(new Cursor(VALUES, [0]));
  await unread.read(5);
  await unread.close();
  return [...counts, (await client.query("SELECT 1::int4 AS after")).rows];
};

const streamed = (client) => async () => {
  let rows = 0;
  for await (const _ of client.query(new QueryStream(VALUES, [0], { batchSize: 17 }))) rows += 1;
  return rows;
};

const transaction = (client) => async () => {
  await client.query("BEGIN READ ONLY");
  const failed = await outcome(() => client.query("SELECT 1 / 0"));
  const aborted = await outcome(() => client.query("SELECT 1"));
  await client.query("ROLLBACK");
  return [failed, aborted, (await client.query("SELECT 1::int4 AS a; SELECT 2::int4 AS b")).map((one) => one.rows)];
};

async function answers(target) {
  const pool = new pg.Pool({ connectionString: target, max: 3 });
  const found = {};
  for (const [text, values] of [...STATEMENTS, ...WRONG.map((text) => [text])]) {
    const shown = ({ rows, command, rowCount }) => [rows, command, rowCount];
    found[text] = await outcome(async () => shown(await pool.query(text, values)));
    if (values === undefined) continue;
    const twice = async (client) => {
      const named = { name: `${STATEMENTS.findIndex(([one]) => one === text)}`, text, values };
      return [(await client.query(named)).rows, (await client.query(named)).rows];
    };
    found[`named ${text}`] = await outcome(() => withClient(pool, twice));
  }
  for (const [name, of] of Object.entries({ cursors, streamed, transaction })) {
    found[name] = await withClient(pool, (client) => outcome(of(client)));
  }
  const numbers = [...Array(12).keys()].map((each) => pool.query("SELECT $1::int4 AS each", [each]));
  found.pool = await outcome(async () => (await Promise.all(numbers)).map(({ rows }) => rows[0].each));
  await pool.end();
  return found;
}

const settings = JSON.parse(process.argv[2]);
const [ours, theirs] = [await answers(`postgres://anybody:${settings.key}@${settings.pg}/basalt`), await answers(settings.postgres)];
// A driver that refuses something itself says the same of both: nothing would be compared.
const isRefused = (name) => theirs[name].startsWith("!") && !WRONG.includes(name);
const differ = Object.keys(theirs).filter((name) => ours[name] !== theirs[name] || isRefused(name));
console.log(JSON.stringify({ checks: Object.keys(theirs).length, differ: differ.map((name) => [name, ours[name], theirs[name]]) }));
