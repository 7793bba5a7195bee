//! Generates statements like those of people, tools and attackers.

use basalt_fuzz::{Random, grammar, rows};

const RULES: grammar::Rules = grammar::rules! {
    statement = "SELECT 1" | "<query>" | "<query>"
        | "WITH <name> AS (<query>), a AS (SELECT * FROM <name> x, <name> y) <query>" | "EXPLAIN <query>"
        | "SELECT <expr>";
    query = "SELECT 1" | "SELECT <exprs> FROM <from> <where> <group> <order>" | "<query> UNION ALL <query>"
        | "<query> INTERSECT <query>" | "VALUES (<exprs>), (<exprs>)"
        | "SELECT DISTINCT ON (<expr>) <exprs> FROM <from>";
    exprs = "1" | "*" | "<expr>" | "<expr>, <exprs>" | "<expr> AS <name>, <exprs>";
    from = "readings" | "<table>" | "<table> <name>" | "<from> JOIN <table> <name> ON <expr>"
        | "(SELECT -stream_id AS stream_id, ts + INTERVAL '<small> hours' AS ts, value FROM readings) readings"
        | "<from>, <table>" | "(<query>) <name>" | "LATERAL (<query>) <name>" | "generate_series(1, <small>)"
        | "unnest([<expr>]) <name>";
    table = "readings" | "streams" | "devices" | "latest" | "statistics" | "events" | "annotations" | "groups"
        | "commands" | "products" | "clients" | "documents" | "sites" | "components" | "quarantine"
        | "mqtt_sessions" | "jobs" | "nodes" | "shards" | "core_value" | "query_log"
        | "information_schema.columns" | "pg_catalog.pg_type";
    where = "" | "WHERE <expr>" | "WHERE stream_id = <small> AND ts >= '2026-04-28' AND <expr>";
    group = "" | "GROUP BY <expr>" | "GROUP BY 1, 2" | "GROUP BY CUBE (<expr>, <expr>, <expr>)"
        | "GROUP BY ROLLUP (<exprs>)" | "GROUP BY GROUPING SETS ((<expr>), ()) HAVING <expr>";
    order = "" | "ORDER BY 1 DESC LIMIT <small>" | "ORDER BY <expr> NULLS FIRST OFFSET <small>"
        | "LIMIT <int>";
    expr = "1" | "<column>" | "<literal>" | "<expr> <operator> <expr>" | "NOT <expr>" | "-(<expr>)"
        | "(<expr>)" | "<call>" | "<call>" | "<expr>::<type>" | "CAST(<expr> AS <type>)"
        | "CASE WHEN <expr> THEN <expr> ELSE <expr> END" | "<expr> IN (<expr>, <expr>)"
        | "<expr> BETWEEN <expr> AND <expr>" | "<expr> IS NOT DISTINCT FROM <expr>" | "EXISTS (<query>)"
        | "(SELECT <expr> FROM <table> LIMIT 1)" | "[<expr>, <expr>]" | "(<expr>)[<small>]" | "$<small>"
        | "$<name>" | "<aggregate>"
        | "<aggregate> OVER (PARTITION BY <expr> ORDER BY <expr> ROWS BETWEEN <small> PRECEDING AND CURRENT ROW)"
        | "<expr> AT TIME ZONE 'Europe/Berlin'" | "{<name>: <expr>}" | "INTERVAL '<small> days'"
        | "TIMESTAMP '2026-04-28' + <expr>" | "<expr> LIKE <literal>";
    column = "value" | "stream_id" | "ts" | "text" | "quality" | "seq" | "id" | "name" | "readings.value"
        | "<name>.<name>";
    literal = "1" | "NULL" | "<int>" | "<float>" | "'<name>'" | "''" | "true" | "'2026-04-28T12:00:00Z'"
        | "E'\\n'" | "X'00'" | "$$a$$" | "1e400" | "'today'" | "'2026-04-28 10:00 Europe/Berlin'"
        | "'{A0EEBC999C0B4EF8BB6D6BB9BD380A11}'";
    operator = "+" | "-" | "*" | "/" | "%" | "=" | "<>" | "<=" | "AND" | "OR" | "||" | "~" | "!~*" | "&"
        | "<<" | "@>" | "->" | "IS DISTINCT FROM";
    call = "abs(<expr>)" | "time_bucket('<small> hours', <expr>)" | "time_bucket_gapfill('1 hour', ts)"
        | "locf(<aggregate>)" | "interpolate(<aggregate>)" | "replace(<expr>, <expr>, <expr>)"
        | "regexp_like(<expr>, <expr>)" | "regexp_replace(<expr>, '(.*)', '\\1\\1')" | "concat(<exprs>)"
        | "to_timestamp(<expr>)" | "date_trunc('<name>', <expr>)" | "date_part('<name>', <expr>)"
        | "substr(<expr>, <expr>, <expr>)" | "array_concat([<expr>], [<expr>])"
        | "array_slice([<expr>], <expr>, <expr>)" | "power(<expr>, <expr>)" | "round(<expr>, <int>)"
        | "to_char(<expr>, <expr>)" | "split_part(<expr>, <expr>, <int>)" | "arrow_cast(<expr>, '<arrow>')"
        | "make_date(<expr>, <int>, <int>)" | "coalesce(<exprs>)" | "nullif(<expr>, <expr>)" | "chr(<int>)"
        | "factorial(<expr>)" | "date_bin(INTERVAL '<small> minutes', <expr>, <expr>)"
        | "translate(<expr>, <expr>, <expr>)" | "flatten([[<expr>]])" | "string_to_array(<expr>, <expr>)"
        | "levenshtein(<expr>, <expr>)" | "to_char(<expr>, 'FM9,990.00PR')" | "to_number(<expr>, '9G999D99')"
        | "format('%s %1$I %*2$L', <exprs>)" | "make_interval(days => <expr>, secs => <expr>)"
        | "justify_interval(<expr>)" | "date_trunc('century', <expr>)";
    aggregate = "count(*)" | "sum(<expr>)" | "avg(value)" | "rms(value)" | "first(<expr>, ts)"
        | "last(value, <expr>)" | "delta(value, ts)" | "rate(value, ts)" | "lttb(ts, value, <small>)"
        | "array_agg(<expr> ORDER BY <expr>)" | "string_agg(text, <literal>)"
        | "approx_percentile_cont(<expr>, 0.5)" | "count(DISTINCT <expr>)"
        | "sum(<expr>) FILTER (WHERE <expr>)" | "row_number()" | "lag(<expr>, <int>)"
        | "nth_value(<expr>, <int>)" | "ntile(<int>)";
    type = "INT" | "BIGINT" | "DOUBLE" | "TEXT" | "DATE" | "TIMESTAMPTZ" | "INTERVAL"
        | "DECIMAL(<small>, <small>)" | "<type>[]" | "BYTEA" | "UUID" | "<name>";
    arrow = "Int8" | "Utf8View" | "List(<arrow>)" | "Dictionary(Int32, <arrow>)"
        | "Timestamp(Nanosecond, Some(\"<name>\"))" | "FixedSizeList(<small>, <arrow>)"
        | "Decimal256(76, <small>)" | "Struct(\"a\": <arrow>)";
    name = "a" | "<letter>" | "<letter><name>" | "hour" | "readings";
};

/// Openings and closings of expressions.
pub const NESTS: &[(&str, &str)] = &rows![
    "(", ")"; "1+", "1"; "NOT ", ""; "- ", ""; "(a AND b) OR ", "c"; "EXPLAIN ", ""; "abs(", ")"; "[", "]";
    "CAST(", " AS INT)"; "", "::INT"; "", "[]"; "", " IS NULL"; "", " UNION ALL SELECT 1";
    "SELECT * FROM (", ") a"; "CASE WHEN true THEN ", " END"; "replace(", ",'a','aa')";
    "", " BETWEEN 1 AND 2"; "", " AT TIME ZONE 'UTC'"; "'a'||", "'b'"; "arrow_cast(NULL,'List(", ")')";
    "List(", ")"; "WITH a AS (SELECT 1) ", ""; "{a: ", "}"; "/*", "*/"; "a.", "";
];

/// Generates a statement by the grammar, or one nested expression.
pub fn statement(random: &mut Random) -> Vec<u8> {
    if !random.one_in(6) {
        return grammar::write(RULES, "statement", random);
    }
    let (open, close) = NESTS[random.below(NESTS.len())];
    let depth = random.size(13);
    format!("SELECT {}1{}", open.repeat(depth), close.repeat(depth)).into_bytes()
}
