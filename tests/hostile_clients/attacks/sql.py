"""Statements that are deep, wide, large when computed, or never done."""

import json

from .wire import ask, hang_up, read_slowly, together

# Ways to nest, each by a depth.
DEEP = [
    lambda n: "SELECT " + "1+" * n + "1",
    lambda n: "SELECT " + "-" * 1 + "- " * n + "1",
    lambda n: "SELECT " + "(" * n + "1" + ")" * n,
    lambda n: "SELECT " + "NOT " * n + "true",
    lambda n: "SELECT " + "(true AND false) OR " * n + "true",
    lambda n: "SELECT " + "true AND " * n + "true",
    lambda n: "SELECT " + "'a' || " * n + "'a'",
    lambda n: "SELECT " + "1 * " * n + "1",
    lambda n: "SELECT 1" + " = 1" * n,
    lambda n: "SELECT 1" + " IS NULL" * n,
    lambda n: "SELECT true" + " IS NOT TRUE" * n,
    lambda n: "SELECT 1" + " BETWEEN 1 AND 2" * n,
    lambda n: "SELECT 1" + " IN (1)" * n,
    lambda n: "SELECT 'a'" + " LIKE 'a'" * n,
    lambda n: "SELECT 1" + "::INT" * n,
    lambda n: "SELECT " + "CAST(" * n + "1" + " AS INT)" * n,
    lambda n: "SELECT NULL::INT" + "[]" * n,
    lambda n: "SELECT " + "abs(" * n + "1" + ")" * n,
    lambda n: "SELECT " + "coalesce(1, " * n + "1" + ")" * n,
    lambda n: "SELECT " + "CASE WHEN true THEN " * n + "1" + " END" * n,
    lambda n: "SELECT " + "CASE " * n + "1" + " WHEN 1 THEN 1 END" * n,
    lambda n: "SELECT " + "[" * n + "1" + "]" * n,
    lambda n: "SELECT " + "{a: " * n + "1" + "}" * n,
    lambda n: "SELECT [1]" + "[1]" * n,
    lambda n: "SELECT a" + ".a" * n,
    lambda n: "SELECT now()" + " AT TIME ZONE 'UTC'" * n,
    lambda n: "SELECT now()" + " + INTERVAL '1 day'" * n,
    lambda n: "EXPLAIN " * n + "SELECT 1",
    lambda n: "SELECT 1" + " UNION ALL SELECT 1" * n,
    lambda n: "SELECT 1" + " INTERSECT SELECT 1" * n,
    lambda n: "(" * n + "SELECT 1" + ")" * n,
    lambda n: "SELECT * FROM (" * n + "SELECT 1" + ") a" * n,
    lambda n: "SELECT (SELECT " * n + "1" + ")" * n,
    lambda n: "SELECT EXISTS (SELECT " * n + "1" + ")" * n,
    lambda n: "SELECT 1 FROM readings a" + " JOIN readings b USING (ts)" * n,
    lambda n: "SELECT 1 FROM readings a" + ", readings b" * n,
    lambda n: "WITH " + ", ".join(f"a{i} AS (SELECT * FROM {f'a{i - 1}' if i else 'readings'})" for i in range(n)) + f" SELECT 1 FROM a{n - 1}",
    lambda n: "".join(f"WITH a{i} AS (" for i in range(n)) + "SELECT 1" + "".join(f") SELECT * FROM a{i}" for i in reversed(range(n))),
    lambda n: "SELECT arrow_cast(NULL, '" + "List(" * n + "Int8" + ")" * n + "')",
    lambda n: "SELECT " + "sum(1) OVER (ORDER BY " * n + "1" + ")" * n,
    lambda n: "SELECT 1 " + "/*" * n + "*/" * n,
]
MOST_BYTES = 250_000
DEPTHS = (300, 1_000, 2_000, 5_000, 12_000)


def post(site, query, params=None, **more):
    return ask(site, "POST", "/sql", json.dumps({"query": query, "params": params}), site.weak, **more)


def deep(site, turn):
    shape, depth = DEEP[turn % len(DEEP)], DEPTHS[turn // len(DEEP) % len(DEPTHS)]
    query = shape(depth)
    while len(query) > MOST_BYTES:
        depth //= 2
        query = shape(depth)
    graph = json.dumps({"query": "query($q: String!) { sql(query: $q) { rowCount } }", "variables": {"q": query}})
    return [post(site, query), "graph " + ask(site, "POST", "/graphql", graph, site.weak)]


def wide(site, turn):
    columns = ", ".join(f"value + {i} AS c{i}" for i in range(12_000))
    terms = " OR ".join(f"stream_id = {i} AND value > {i}" for i in range(6_000))
    listed = ",".join(map(str, range(40_000)))
    queries = [f"SELECT {columns} FROM readings", f"SELECT 1 FROM readings WHERE {terms}", f"SELECT 1 FROM readings WHERE stream_id IN ({listed})"]
    return [post(site, queries[turn % 3])]


def literals(site, _turn):
    """A large text in each of many rows, for readers who take their time."""
    query = json.dumps({"query": f"SELECT '{'x' * 200_000}' AS t FROM generate_series(1, 100000)"}).encode()
    return together(4, lambda _: read_slowly(site, "POST", "/sql", query, site.weak, 8))


def windows(site, turn):
    calls = ["sum(value) OVER ()", "array_agg(value) OVER ()", "lag(value) OVER (ORDER BY value DESC)", "row_number() OVER ()"]
    return [post(site, f"SELECT max(x) FROM (SELECT {calls[turn % 4]} AS x FROM generate_series(1, 60000000) AS t(value)) a")]


def replace(site, turn):
    grown = [
        "replace(" * 9 + "'aaaaaaaaaa'" + ",'a','aaaaaaaaaa')" * 9,
        "regexp_replace(" * 9 + "'aaaaaaaaaa'" + ",'a','aaaaaaaaaa','g')" * 9,
        "concat(" * 8 + "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'" + "".join(f",repeat('{c}',100000000))" for c in "abcdefgh"),
        "array_to_string(" + "array_concat(" * 12 + "[1,2,3,4,5,6,7,8]" + ",[1,2,3,4,5,6,7,8])" * 12 + ",'aaaaaaaaaa')",
    ]
    return [post(site, f"SELECT length({grown[turn % 4]})")]


def regexes(site, turn):
    pattern = "concat('\\w{160}', v)" if turn % 2 else "concat('(a{1,50}){1,50}', v)"
    return [post(site, f"SELECT count(*) FROM generate_series(1, 4000) AS t(v) WHERE regexp_like(concat('x', v), {pattern})")]


def common_tables(site, turn):
    """Each used twice by the next: the copies double."""
    count = 20 + turn % 20
    tables = ", ".join(f"a{i} AS (SELECT p.x FROM a{i - 1} p JOIN a{i - 1} q ON p.x = q.x)" for i in range(1, count))
    return [post(site, f"WITH a0 AS (SELECT 1 AS x), {tables} SELECT count(*) FROM a{count - 1}")]


def cube(site, turn):
    columns = ", ".join(f"v + {i}" for i in range(30))
    sets = ", ".join(["ROLLUP (v, v+1)"] * 12)
    grouping = f"CUBE ({columns})" if turn % 2 == 0 else sets
    return [post(site, f"SELECT count(*) FROM generate_series(1, 3) AS t(v) GROUP BY {grouping}")]


def parameters(site, turn):
    many = b'{"query":"SELECT 1","params":[' + b"1," * 5_000_000 + b"1]}"
    return together(2, lambda _: ask(site, "POST", "/sql", many[: 10_000_000] if turn % 2 else many, site.weak))


def never_yields(site, _turn):
    """Four cross joins without a row, whose asker leaves."""
    series = "generate_series(1, 1000000)"
    query = f"SELECT count(*) FROM {series} AS a(v), {series} AS b(w) WHERE a.v * b.w < 0"
    body = json.dumps({"query": query}).encode()
    return together(4, lambda _: hang_up(site, "POST", "/sql", body, site.weak, after=1))


def texts(site, turn):
    asked = ["max(length(text))", "count(DISTINCT text)", "string_agg(text, '')", "max(text || text)"]
    return [post(site, f"SELECT {asked[turn % 4]} FROM readings WHERE stream_id = {site.texts}")]


def backtracking(site, turn):
    """A hundred bytes that a parser tries in more ways than it has time for; whoever asked is gone."""
    shapes = ["CAST(" * 30 + "1", "CAST(" * 30 + "SELECT 1" + " AS INT)" * 30, "a(" * 45 + "SELECT 1", "(" * 45 + "SELECT"]
    body = json.dumps({"query": "SELECT " + shapes[turn % 4]}).encode()
    return together(4, lambda _: hang_up(site, "POST", "/sql", body, site.weak, after=1))
