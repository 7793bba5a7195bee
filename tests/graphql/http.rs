//! How the graph speaks HTTP: the audits of `graphql-http`, and what they do not ask.

use serde_json::{Value, json};

use super::ask;
use crate::support::{Server, rows, run_node};

const JSON: (&str, &str) = ("content-type", "application/json");
const MODERN: &str = "application/graphql-response+json";
const ACCEPT_MODERN: (&str, &str) = ("accept", MODERN);

#[tokio::test]
async fn every_audit_of_graphql_http_passes() {
    let server = Server::start(&[]).await;
    let results = run_node("audit.mjs", &[&format!("{}/graphql", server.url), &server.key]).await;
    let results = results.as_array().expect("a list");
    assert!(results.len() > 50, "{} audits", results.len());
    let failed: Vec<&Value> = results.iter().filter(|result| result["status"] != "ok").collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

const RUN: &str = r#"{"query": "{ me { kind } }"}"#;
const UNKNOWN_FIELD: &str = r#"{"query": "{ x }"}"#;
const ONE_OF_SEVERAL: &str = r#"{"query": "query A {me{kind}} query B {x: me{kind}}", "operationName": "B"}"#;
const NONE_OF_SEVERAL: &str = r#"{"query": "query A {me{kind}} query B {me{kind}}"}"#;
const LIST: &str = r#"[{"query": "{me{kind}}"}, {"query": "{x}"}]"#;
const LONG_LIST: &str = r#"[{"query": "{a}"}, {"query": "{a}"}, {"query": "{a}"}]"#;
const GET_WITH_VARIABLES: &str =
    "/graphql?query=query(%24i:Int)%7Bstream(rowId:%24i)%7Bid%7D%7D&variables=%7B%22i%22:7%7D";
const GET_BAD_VARIABLES: &str = "/graphql?query=%7Bme%7Bkind%7D%7D&variables=%7B";
const GET_A_MUTATION: &str = "/graphql?query=mutation%7BdeleteDevice(rowId:1)%7BdeletedRowId%7D%7D";
const LATIN_1: (&str, &str) = ("content-type", "application/json; charset=latin1");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A request, which by default asks for something valid, and what its response must be.
struct Row {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    status: u16,
    media: &'static str,
    /// A part of the body.
    part: &'static str,
}

const POST: Row = Row {
    name: "run",
    method: "POST",
    path: "/graphql",
    headers: &[JSON],
    body: RUN,
    status: 200,
    media: "application/json",
    part: r#"{"data":{"me":{"kind":"key"}}}"#,
};
const MODERN_POST: Row = Row { headers: &[JSON, ACCEPT_MODERN], media: MODERN, ..POST };
const GET: Row = Row { method: "GET", headers: &[], body: "", ..POST };

/// Requests of one operation by `POST`, lists of operations, and other methods.
const REQUESTS: [Row; 20] = rows![
    POST;
    Row { name: "with_a_slash", path: "/graphql/", ..POST };
    Row { name: "modern", ..MODERN_POST };
    Row { name: "not_a_field", body: UNKNOWN_FIELD, part: "Unknown field", ..POST };
    Row { name: "the_same_modern", body: UNKNOWN_FIELD, part: "Unknown field", status: 400, ..MODERN_POST };
    Row { name: "not_json", body: "{", status: 400, part: "the body is not", ..POST };
    Row { name: "not_utf_8", headers: &[LATIN_1], status: 415, part: "latin1", ..POST };
    Row { name: "a_form", headers: &[FORM], body: "query=x", status: 415, part: "media type", ..POST };
    Row { name: "html_wanted", headers: &[JSON, ("accept", "text/html")], status: 406, part: "Accept", ..POST };
    Row { name: "one_of_several", body: ONE_OF_SEVERAL, part: r#"{"x":"#, ..POST };
    Row { name: "none_of_several", body: NONE_OF_SEVERAL, part: "Operation name required", ..POST };
    Row { name: "a_list", body: LIST, part: r#"[{"data":{"me":{"kind":"key"}}},{"errors":"#, ..POST };
    Row { name: "a_long_list", body: LONG_LIST, status: 400, part: "3 operations; at most 2", ..POST };
    Row { name: "put", method: "PUT", status: 405, part: "not allowed", ..POST };
    Row { name: "get", path: "/graphql?query=%7Bme%7Bkind%7D%7D", ..GET };
    Row { name: "get_with_variables", path: GET_WITH_VARIABLES, part: r#"{"stream":null}"#, ..GET };
    Row { name: "get_nothing", status: 400, part: "query: is missing", ..GET };
    Row { name: "get_bad_variables", path: GET_BAD_VARIABLES, status: 400, part: "variables: is not JSON", ..GET };
    Row { name: "get_changes_nothing", path: GET_A_MUTATION, status: 405, part: "not allowed", ..GET };
    Row { name: "schema", path: "/graphql/schema.graphql", media: "text/plain", part: "type Query", ..GET };
];

#[tokio::test]
async fn statuses_tell_what_became_of_a_request() {
    let (_server, client) = Server::with_client(&[("BASALT_GRAPHQL__BATCH", "2")]).await;
    for Row { name, method, path, headers, body, status, media, part } in REQUESTS {
        let answer = client.send_bytes(method, path, headers, body.to_owned()).await.about(name);
        assert!(answer.header("content-type").starts_with(media), "{answer:?}");
        answer.refused(status, part);
    }
}

#[tokio::test]
async fn who_is_unknown_gets_nothing_but_the_schema() {
    let (server, client) = Server::with_client(&[]).await;
    let query = json!({"query": "{ me { kind } }"});
    for (name, client) in [("no_key", client.without_key()), ("wrong_key", client.with_key("bslt_wrong"))] {
        let answer = client.post("/graphql", &query).await.about(name);
        let body = answer.with_header("www-authenticate", "ApiKey").expect(401);
        assert_eq!(super::codes(&body), ["UNAUTHENTICATED"], "{name}: {body}");
    }
    let limited = server.client_with(&["--scope", "device:read"]).await;
    let body =
        ask(&limited, "{ devices { totalCount } streams { totalCount } me { kind } }", json!({})).await;
    assert_eq!(super::codes(&body), ["FORBIDDEN"], "{body}");
    assert_eq!(body["errors"][0]["message"], "this needs the scope data:read");
    assert_eq!(body["errors"][0]["path"], json!(["streams"]));
    let rows = client.sql("SELECT request, outcome FROM audit_log WHERE outcome = 'forbidden'").await;
    assert_eq!(rows, [json!({"request": "POST /graphql", "outcome": "forbidden"})]);

    let served = server.client().without_key().get("/graphql/schema.graphql").await.body;
    let printed = server.basalt(&["schema", "graphql"]).await.expect_success();
    assert_eq!(served.as_str().expect("text").trim_end(), printed.trim_end());
}
