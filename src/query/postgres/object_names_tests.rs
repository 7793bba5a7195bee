//! Tests of names in place of numbers.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::*;

#[test]
fn numbers_are_shown_and_compared_as_names() {
    for (text, expected) in [
        ("SELECT oid FROM pg_type", "SELECT oid FROM pg_type"),
        ("SELECT a::regtype::text FROM t", "SELECT format_type(a, -1) FROM t"),
        ("SELECT a::pg_catalog.regtype AS b FROM t", "SELECT format_type(a, -1) AS b FROM t"),
        ("SELECT 'int4'::regtype", "SELECT format_type(to_regtype('int4'), -1)"),
        ("SELECT 1 FROM t WHERE a = 'int4'::regtype", "SELECT 1 FROM t WHERE a = 'int4'::regtype"),
        (
            "SELECT 'public.t'::regclass::text",
            "SELECT (SELECT max(c.relname) FROM pg_catalog.pg_class c WHERE c.relname = 't')",
        ),
        ("SELECT 't'::regclass::oid", "SELECT 't'::REGCLASS::oid"),
        ("SELECT typreceive::TEXT FROM t", "SELECT typreceive::TEXT FROM t"),
        ("SELECT typreceive::regproc FROM t", "SELECT typreceive FROM t"),
        ("SELECT 1 FROM t WHERE typsend != 0", "SELECT 1 FROM t WHERE typsend <> '-'"),
        (
            "SELECT 1 FROM t WHERE typinput = 'pg_catalog.array_in(cstring,oid)'::regprocedure",
            "SELECT 1 FROM t WHERE typinput = 'array_in'",
        ),
        (
            "SELECT 1 FROM t WHERE t.typinput IN ('a'::regproc, 'b'::regproc)",
            "SELECT 1 FROM t WHERE t.typinput IN ('a', 'b')",
        ),
        (
            "SELECT 1 FROM t WHERE typinput = ANY (ARRAY['a'::regproc])",
            "SELECT 1 FROM t WHERE typinput = ANY(ARRAY['a'])",
        ),
        (
            "SELECT 1 FROM pg_type t JOIN pg_proc p ON p.oid = t.typinput",
            "SELECT 1 FROM pg_type t JOIN pg_proc p ON p.proname = t.typinput",
        ),
        ("SELECT 'boolin'::regproc::oid", "SELECT 'boolin'::regproc::oid"),
        ("SELECT 'boolin'::regproc", "SELECT 'boolin'"),
    ] {
        let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, text).unwrap().remove(0);
        rewrite(&mut statement);
        assert_eq!(statement.to_string(), expected, "{text}");
    }
}
