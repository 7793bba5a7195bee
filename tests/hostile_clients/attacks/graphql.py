"""Documents that nest behind the guard's back, and answers that nobody takes."""

import json
import urllib.parse

from .wire import ask, read_slowly, together


def nested(site, turn):
    depth = (500, 2_000, 5_000, 20_000)[turn % 4]
    lists = "[" * depth + "]" * depth
    objects = "{a:" * depth + "1" + "}" * depth
    documents = [
        "#\r{a(x:" + lists + ")}",
        '{a(x:["""x" ' + lists + "])}",
        "#\r{a(x:" + objects + ")}",
        "#\r" + "{a" * depth + "}" * depth,
        "query($a: " + "[" * depth + "Int" + "]" * depth + ") {a}",
        "#\r{a" + "@b(c:[" * (depth // 4) + "])" * (depth // 4) + "}",
    ]
    document = documents[turn // 4 % len(documents)]
    body = json.dumps({"query": document})
    outcomes = [ask(site, "POST", path, body, key) for path in ("/graphql", "/graphql/stream") for key in (None, site.weak)]
    short = urllib.parse.quote(document[:7_000])
    return [*outcomes, "GET " + ask(site, "GET", f"/graphql?query={short}", None, site.weak)]


def large_answers(site, _turn):
    """Rows of large texts through the graph, taken a few bytes at a time."""
    query = f"SELECT '{'x' * 2_000}' AS t FROM generate_series(1, 20000)"
    document = "query($q: String!) { sql(query: $q) { rows rowCount } }"
    body = json.dumps({"query": document, "variables": {"q": query}}).encode()
    return together(12, lambda _: read_slowly(site, "POST", "/graphql", body, site.weak, 10))
