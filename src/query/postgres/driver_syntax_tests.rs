//! Tests of the rewriting of what drivers ask.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::*;

#[test]
fn what_drivers_ask_of_keys_is_null() {
    for (text, expected) in [
        (
            "SELECT a[1], (b).c.d FROM t WHERE tags[1] = 'x'",
            "SELECT a[1], NULL::SMALLINT FROM t WHERE tags[1] = 'x'",
        ),
        (
            "SELECT (information_schema._pg_expandarray(i.indkey)).n AS seq, information_schema._pg_expandarray(i.indkey) AS keys FROM i",
            "SELECT NULL::SMALLINT AS seq, NULL::SMALLINT AS keys FROM i",
        ),
        (
            "SELECT 1 FROM i WHERE i.indisprimary = 't' AND kind = 't'",
            "SELECT 1 FROM i WHERE i.indisprimary = true AND kind = 't'",
        ),
        (
            "SELECT CASE a.attnotnull WHEN 't' THEN 0 ELSE 1 END FROM a",
            "SELECT CASE a.attnotnull WHEN true THEN 0 ELSE 1 END FROM a",
        ),
        (
            "SELECT generate_series(array_lower(conkey, 1), array_upper(conkey, 1)) AS i FROM c",
            "SELECT NULL::SMALLINT AS i FROM c",
        ),
        (
            "SELECT unnest(con.conkey) AS k FROM con CROSS JOIN unnest(confkey) AS f, unnest(tags) AS t",
            "SELECT NULL::SMALLINT AS k FROM con CROSS JOIN UNNEST(ARRAY[NULL::SMALLINT]) AS f, UNNEST(tags) AS t",
        ),
        (
            "SELECT 1 FROM i WHERE i.indisprimary IS TRUE AND kind IS NOT TRUE",
            "SELECT 1 FROM i WHERE CAST(i.indisprimary AS BOOLEAN) IS TRUE AND kind IS NOT TRUE",
        ),
        ("SELECT 'basalt'::name AS a FROM c", "SELECT 'basalt'::TEXT AS a FROM c"),
        ("SELECT 'C'::\"char\" AS a, 'f'::char FROM c", "SELECT 'C'::TEXT AS a, 'f'::CHAR FROM c"),
        ("SELECT 1 FROM a JOIN c ON a.attnum = ANY(c.conkey)", "SELECT 1 FROM a JOIN c ON false"),
        ("SELECT 1 FROM a WHERE a.n = ANY(a.tags)", "SELECT 1 FROM a WHERE a.n = ANY(a.tags)"),
        (
            "SELECT col_description(CAST(CAST(format('%I', t) AS REGCLASS) AS OID), n), col_description(o, n) FROM c",
            "SELECT col_description(), col_description(o, n) FROM c",
        ),
        ("SELECT tmp.I_INDOPTION[n - 1] & 1 FROM tmp", "SELECT NULL::SMALLINT & 1 FROM tmp"),
        ("SELECT * FROM pg_stat_activity", "SELECT * FROM pg_catalog.pg_stat_activity"),
        ("SELECT 1 FROM r WHERE r.n = (r.keys).x", "SELECT 1 FROM r WHERE r.n = NULL::SMALLINT"),
        ("SELECT 1 FROM c WHERE n = c.conkey[p.n]", "SELECT 1 FROM c WHERE n = NULL::SMALLINT"),
        (
            "SELECT 1 FROM t WHERE s NOT IN (SELECT trim(s[i]) FROM string_to_array(current_setting('search_path'), ',') s)",
            "SELECT 1 FROM t WHERE s NOT IN ('public')",
        ),
        (
            "SELECT 1 FROM t WHERE a OR (SELECT c.kind = 'c' FROM c WHERE c.id = t.id)",
            "SELECT 1 FROM t WHERE a OR (SELECT bool_or(c.kind = 'c') FROM c WHERE c.id = t.id)",
        ),
        (
            "SELECT (SELECT c.a FROM c WHERE c.b = t.b) FROM t",
            "SELECT (SELECT c.a FROM c WHERE c.b = t.b) FROM t",
        ),
    ] {
        let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, text).unwrap().remove(0);
        rewrite(&mut statement, true);
        assert_eq!(statement.to_string(), expected, "{text}");
    }
    let text = "SELECT (t).a FROM (VALUES (1)) AS t (a)";
    let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, text).unwrap().remove(0);
    rewrite(&mut statement, false);
    assert_eq!(statement.to_string(), text);
}
