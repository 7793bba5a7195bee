//! How the graph speaks HTTP: the audits of `graphql-http`, and what they do not ask.

use serde_json::{Value, json};

use super::ask;
use crate::support::{Server, run_node};

const JSON: (&str, &str) = ("content-type", "application/json");
const MODERN: &str = "application/graphql-response+json";

#[tokio::test]
async fn every_audit_of_graphql_http_passes() {
    let server = Server::start(&[]).await;
    let url = format!("{}/graphql", server.url);
    let results = run_node("audit.mjs", &[&url, &server.key]).await;
    let results = results.as_array().expect("a list");
    assert!(results.len() > 50, "{} audits", results.len());
    let failed: Vec<&Value> = results.iter().filter(|result| result["status"] != "ok").collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Method, path, headers, body; status, media type, and a part of the body.
type Row<'a> = (&'a str, &'a str, &'a str, Vec<(&'a str, &'a str)>, &'a str, u16, &'a str, &'a str);

#[tokio::test]
async fn statuses_tell_what_became_of_a_request() {
    let server = Server::start(&[("BASALT_GRAPHQL__BATCH", "2")]).await;
    let client = server.client();
    let modern = ("accept", MODERN);
    let plain = "application/json";
    let fine = r#"{"query": "{ me { kind } }"}"#;
    let rows: Vec<Row<'_>> = vec![
        ("run", "POST", "/graphql", vec![JSON], fine, 200, plain, r#"{"data":{"me":{"kind":"key"}}}"#),
        ("with_a_slash", "POST", "/graphql/", vec![JSON], fine, 200, plain, "data"),
        ("modern", "POST", "/graphql", vec![JSON, modern], fine, 200, MODERN, "data"),
        ("not_a_field", "POST", "/graphql", vec![JSON], r#"{"query": "{ x }"}"#, 200, plain, "Unknown field"),
        (
            "the_same_modern",
            "POST",
            "/graphql",
            vec![JSON, modern],
            r#"{"query": "{ x }"}"#,
            400,
            MODERN,
            "Unknown field",
        ),
        ("not_json", "POST", "/graphql", vec![JSON], "{", 400, plain, "the body is not"),
        (
            "not_utf_8",
            "POST",
            "/graphql",
            vec![("content-type", "application/json; charset=latin1")],
            fine,
            415,
            plain,
            "latin1",
        ),
        (
            "a_form",
            "POST",
            "/graphql",
            vec![("content-type", "application/x-www-form-urlencoded")],
            "query=x",
            415,
            plain,
            "media type",
        ),
        ("html_wanted", "POST", "/graphql", vec![JSON, ("accept", "text/html")], fine, 406, plain, "Accept"),
        ("get", "GET", "/graphql?query=%7Bme%7Bkind%7D%7D", vec![], "", 200, plain, "key"),
        (
            "get_with_variables",
            "GET",
            "/graphql?query=query(%24i:Int)%7Bstream(rowId:%24i)%7Bid%7D%7D&variables=%7B%22i%22:7%7D",
            vec![],
            "",
            200,
            plain,
            r#"{"stream":null}"#,
        ),
        ("get_nothing", "GET", "/graphql", vec![], "", 400, plain, "query: is missing"),
        (
            "get_bad_variables",
            "GET",
            "/graphql?query=%7Bme%7Bkind%7D%7D&variables=%7B",
            vec![],
            "",
            400,
            plain,
            "variables: is not JSON",
        ),
        (
            "get_changes_nothing",
            "GET",
            "/graphql?query=mutation%7BdeleteDevice(rowId:1)%7BdeletedRowId%7D%7D",
            vec![],
            "",
            405,
            plain,
            "not allowed",
        ),
        ("put", "PUT", "/graphql", vec![JSON], fine, 405, plain, "not allowed"),
        (
            "a_list",
            "POST",
            "/graphql",
            vec![JSON],
            r#"[{"query": "{me{kind}}"}, {"query": "{x}"}]"#,
            200,
            plain,
            r#"[{"data":{"me":{"kind":"key"}}},{"errors":"#,
        ),
        (
            "a_long_list",
            "POST",
            "/graphql",
            vec![JSON],
            r#"[{"query": "{a}"}, {"query": "{a}"}, {"query": "{a}"}]"#,
            400,
            plain,
            "3 operations; at most 2",
        ),
        (
            "one_of_several",
            "POST",
            "/graphql",
            vec![JSON],
            r#"{"query": "query A {me{kind}} query B {x: me{kind}}", "operationName": "B"}"#,
            200,
            plain,
            r#"{"x":"#,
        ),
        (
            "none_of_several",
            "POST",
            "/graphql",
            vec![JSON],
            r#"{"query": "query A {me{kind}} query B {me{kind}}"}"#,
            200,
            plain,
            "Operation name required",
        ),
        ("schema", "GET", "/graphql/schema.graphql", vec![], "", 200, "text/plain", "type Query"),
    ];
    for (name, method, path, headers, body, expected, media, part) in rows {
        let (status, got, bytes) = client.send_bytes(method, path, &headers, body.to_owned()).await;
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(status, expected, "{name}: {text}");
        assert!(text.contains(part), "{name}: {text}");
        let got = got["content-type"].to_str().expect("text");
        assert!(got.starts_with(media), "{name}: {got}");
    }
}

#[tokio::test]
async fn who_is_unknown_gets_nothing_and_is_told_so_in_the_form_of_the_graph() {
    let server = Server::start(&[]).await;
    let client = server.client();
    let query = json!({"query": "{ me { kind } }"});
    for (name, client) in [("no_key", client.without_key()), ("wrong_key", client.with_key("bslt_wrong"))] {
        let (status, headers, body) = client.post("/graphql", &query).await;
        assert_eq!(status, 401, "{name}");
        assert_eq!(headers["www-authenticate"], "ApiKey", "{name}");
        assert_eq!(super::codes(&body), ["UNAUTHENTICATED"], "{name}: {body}");
    }
    let limited = server.client().with_key(&server.create_key(&["--scope", "device:read"]).await);
    let body =
        ask(&limited, "{ devices { totalCount } streams { totalCount } me { kind } }", json!({})).await;
    assert_eq!(super::codes(&body), ["FORBIDDEN"], "{body}");
    assert_eq!(body["errors"][0]["message"], "this needs the scope data:read");
    assert_eq!(body["errors"][0]["path"], json!(["streams"]));
    let rows = client.sql("SELECT request, outcome FROM audit_log WHERE outcome = 'forbidden'").await;
    assert_eq!(rows, [json!({"request": "POST /graphql", "outcome": "forbidden"})]);
}

#[tokio::test]
async fn the_schema_is_served_to_everybody() {
    let server = Server::start(&[]).await;
    let (_, _, served) = server.client().without_key().get("/graphql/schema.graphql").await;
    let printed = server.basalt(&["schema", "graphql"]).await.expect_success();
    assert_eq!(served.as_str().expect("text").trim_end(), printed.trim_end());
}
