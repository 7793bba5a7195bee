//! Answers of the graph to queries.

use serde_json::{Value, json};

use super::{ask, codes, data, plant};
use crate::rest::matches;
use crate::support::{Client, Server, rows};

/// Two streams with readings each minute from noon on, a text stream, a group of the two.
async fn set_up(client: &Client) -> (i64, Vec<i64>) {
    let (device, streams) =
        plant(client, "press", &[("force", "fp64"), ("speed", "fp32"), ("note", "text")]).await;
    let rows: Vec<Value> = (0..10)
        .flat_map(|minute| {
            let ts = format!("2026-03-01T12:0{minute}:00Z");
            [
                json!({"stream": streams[0], "ts": ts, "value": minute}),
                json!({"stream": streams[1], "ts": ts, "value": minute * 10}),
            ]
        })
        .chain([
            json!({"stream": streams[0], "ts": "2026-03-01T12:10:00Z", "quality": "bad"}),
            json!({"stream": streams[2], "ts": "2026-03-01T12:00:00Z", "text": "begun"}),
        ])
        .collect();
    let query = "mutation($input: [ValueInput!]!) { writeValues(input: $input) { rows errors { message } } }";
    let written = data(client, query, json!({ "input": rows })).await;
    assert_eq!(written["writeValues"], json!({"rows": 22, "errors": []}));
    let group = "mutation($data: [ID!]) { createGroup(input: {name: \"line\", data: $data}) { group { rowId } errors { message } } }";
    let made = data(client, group, json!({"data": [streams[0], streams[1]]})).await;
    assert_eq!(made["createGroup"]["errors"], json!([]));
    (device, streams)
}

#[tokio::test]
async fn questions_are_answered() {
    let (_server, client) = Server::with_client(&[]).await;
    let (device, streams) = set_up(&client).await;
    let variables = json!({"d": device, "s": streams[0], "t": streams[1], "n": streams[2]});
    let head = "query($d: Int, $s: Int, $t: Int, $n: Int)";
    for (name, query, expected) in rows![
        "who_asks", "{ me { kind organization restricted allowedDevices } }",
            json!({"me": {"kind": "key", "organization": "default", "restricted": false, "allowedDevices": null}});
        "a_device_with_its_streams",
            "{ device(rowId: $d) { name protocol pollInterval status { state } streams(orderBy: NAME) { totalCount nodes { name device { name } group { name } } } } }",
            json!({"device": {"name": "press", "protocol": "virtual", "pollInterval": 1.0, "status": {"state": "*"}, "streams": {
            "totalCount": 3, "nodes": [
                {"name": "force", "device": {"name": "press"}, "group": {"name": "line"}},
                {"name": "note", "device": {"name": "press"}, "group": null},
                {"name": "speed", "device": {"name": "press"}, "group": {"name": "line"}},
            ]}}});
        "a_stream_that_is_not_there",
            "{ stream(rowId: 999) { name } device(rowId: 999) { name } group(rowId: 999) { name } event(rowId: 999) { kind } }",
            json!({"stream": null, "device": null, "group": null, "event": null});
        "the_newest_whatever_its_quality",
            "{ stream(rowId: $s) { latest { ts value text quality } } note: stream(rowId: $n) { latest { value text quality } } }",
            json!({"stream": {"latest": {"ts": "2026-03-01T12:10:00Z", "value": null, "text": null, "quality": "bad"}},
                "note": {"latest": {"value": null, "text": "begun", "quality": "good"}}});
        "a_range_takes_its_beginning_and_not_its_end",
            r#"{ stream(rowId: $s) { values(from: "2026-03-01T12:02:00Z", to: "2026-03-01T12:04:00Z") { totalCount nodes { ts value } pageInfo { hasNextPage hasPreviousPage } } } }"#,
            json!({"stream": {"values": {"totalCount": 2, "nodes": [
                {"ts": "2026-03-01T12:02:00Z", "value": 2.0}, {"ts": "2026-03-01T12:03:00Z", "value": 3.0},
            ], "pageInfo": {"hasNextPage": false, "hasPreviousPage": false}}}});
        "a_last_page_that_is_full",
            r#"{ stream(rowId: $s) { values(first: 1, from: "2026-03-01T12:02:00Z", to: "2026-03-01T12:03:00Z") { pageInfo { hasNextPage } } } }"#,
            json!({"stream": {"values": {"pageInfo": {"hasNextPage": false}}}});
        "newest_first",
            "{ stream(rowId: $s) { values(first: 2, order: DESC) { totalCount nodes { value quality } pageInfo { hasNextPage } } } }",
            json!({"stream": {"values": {"totalCount": 11, "nodes": [
                {"value": null, "quality": "bad"}, {"value": 9.0, "quality": "good"},
            ], "pageInfo": {"hasNextPage": true}}}});
        "a_picture", "{ stream(rowId: $s) { values(downsample: 3) { nodes { ts value } } } }",
            json!({"stream": {"values": {"nodes": [
                {"ts": "2026-03-01T12:00:00Z", "value": 0.0}, {"ts": "*", "value": "*"}, {"ts": "2026-03-01T12:09:00Z", "value": 9.0},
            ]}}});
        "statistics_of_a_step",
            r#"{ stream(rowId: $s) { statistics(from: "2026-03-01T12:00:00Z", to: "2026-03-01T12:10:00Z", step: "PT5M") { ts count sum mean min max median q1 q3 } } }"#,
            json!({"stream": {"statistics": [
                {"ts": "2026-03-01T12:00:00Z", "count": 5, "sum": 10.0, "mean": 2.0, "min": 0.0, "max": 4.0, "median": 2.0, "q1": 1.0, "q3": 3.0},
                {"ts": "2026-03-01T12:05:00Z", "count": 5, "sum": 35.0, "mean": 7.0, "min": 5.0, "max": 9.0, "median": 7.0, "q1": 6.0, "q3": 8.0},
            ]}});
        "only_the_fields_that_are_named",
            r#"{ stream(rowId: $s) { statistics(from: "2026-03-01T12:00:00Z", to: "2026-03-01T12:05:00Z", step: "PT5M", fields: [max]) { count mean max } } }"#,
            json!({"stream": {"statistics": [{"count": null, "mean": null, "max": 4.0}]}});
        "streams_side_by_side",
            r#"{ values(streams: [$t, $s], from: "2026-03-01T12:00:00Z", to: "2026-03-01T12:10:00Z", step: "PT5M") { ts series { stream { name } mean count } } }"#,
            json!({"values": {"ts": ["2026-03-01T12:00:00Z", "2026-03-01T12:05:00Z"], "series": [
                {"stream": {"name": "speed"}, "mean": [20.0, 70.0], "count": [5, 5]},
                {"stream": {"name": "force"}, "mean": [2.0, 7.0], "count": [5, 5]},
            ]}});
        "latest_of_several",
            "{ latestValues(streams: [$n, $t]) { streamRowId value text } of: latestValues(devices: [$d]) { stream { name } } }",
            json!({"latestValues": [{"streamRowId": streams[1], "value": 90.0, "text": null}, {"streamRowId": streams[2], "value": null, "text": "begun"}],
                "of": [{"stream": {"name": "force"}}, {"stream": {"name": "speed"}}, {"stream": {"name": "note"}}]});
        "a_group_with_its_members", r#"{ groups(search: "LIN") { nodes { name streams { nodes { name } } } } }"#,
            json!({"groups": {"nodes": [{"name": "line", "streams": {"nodes": [{"name": "force"}, {"name": "speed"}]}}]}});
        "sql_with_parameters",
            r#"{ sql(query: "SELECT count(*) AS n, max(value) AS top FROM readings WHERE stream_id = $s", params: {s: 1}) { columns { name type nullable } rows rowCount } }"#,
            json!({"sql": {"columns": [{"name": "n", "type": "Int64", "nullable": false}, {"name": "top", "type": "Float64", "nullable": true}],
                "rows": [{"n": 11, "top": 9.0}], "rowCount": 1}});
        "health", "{ health { ok checks { name } } }",
            json!({"health": {"ok": true, "checks": [{"name": "db"}, {"name": "redis"}, {"name": "disk"}, {"name": "poller"}]}});
        "retention", "{ retention { table dropAfter } }",
            json!({"retention": [{"table": "readings", "dropAfter": null}, {"table": "statistics", "dropAfter": null}]});
    ] {
        let used = |variable: &str| query.contains(variable);
        let head = if ["$d", "$s", "$t", "$n"].into_iter().any(used) && name != "sql_with_parameters" {
            head
        } else {
            "query"
        };
        let head = declared(head, query);
        let got = data(&client, &format!("{head} {query}"), variables.clone()).await;
        assert!(matches(&got, &expected), "{name}\n  got      {got}\n  expected {expected}");
    }
}

/// Only the variables that a query uses; GraphQL refuses others. Those in lists are ids.
fn declared(head: &str, query: &str) -> String {
    if head == "query" {
        return head.to_owned();
    }
    let used = ["$d", "$s", "$t", "$n"].into_iter().filter(|name| query.contains(*name));
    let declared: Vec<String> = used
        .map(|name| {
            let in_list = query.contains(&format!("[{name}")) || query.contains(&format!(", {name}]"));
            format!("{name}: {}", if in_list { "ID!" } else { "Int" })
        })
        .collect();
    format!("query({})", declared.join(", "))
}

#[tokio::test]
async fn every_object_is_found_by_its_global_id() {
    let (_server, client) = Server::with_client(&[]).await;
    set_up(&client).await;
    let made = data(
        &client,
        r#"mutation { createEvent(input: {kind: "alarm", data: 1}) { event { id } errors { message } } }"#,
        json!({}),
    )
    .await;
    assert_eq!(made["createEvent"]["errors"], json!([]));
    let all = data(&client, "{ devices { nodes { id } } streams { nodes { id } } groups { nodes { id } } events { nodes { id stream { name } } }  }", json!({})).await;
    assert_eq!(all["events"]["nodes"][0]["stream"]["name"], "force");
    let mut seen = std::collections::BTreeSet::new();
    for (list, kind) in
        [("devices", "Device"), ("streams", "Stream"), ("groups", "Group"), ("events", "Event")]
    {
        for node in all[list]["nodes"].as_array().expect("a list") {
            let query = "query($id: ID!) { node(id: $id) { __typename id } }";
            let found = data(&client, query, json!({"id": node["id"]})).await;
            assert_eq!(found["node"], json!({"__typename": kind, "id": node["id"]}));
            assert!(seen.insert(node["id"].to_string()), "{node} is another's too");
        }
    }
    let body = ask(&client, "{ node(id: \"x\") { id } }", json!({})).await;
    assert_eq!(codes(&body), ["INVALID"], "{body}");
    let gone = data(&client, "{ node(id: \"U3RyZWFtOjk5OQ\") { id } }", json!({})).await;
    assert_eq!(gone["node"], Value::Null);
}

#[tokio::test]
async fn pages_one_after_the_other_are_the_whole_list_while_it_grows() {
    let (_server, client) = Server::with_client(&[]).await;
    let (_, streams) = plant(&client, "d", &[("s", "fp64")]).await;
    let write = |from: i64, count: i64| {
        let rows: Vec<Value> = (from..from + count)
            .map(|i| json!({"stream": streams[0], "ts": format!("2026-03-01T12:{:02}:{:02}Z", i / 60, i % 60), "value": i}))
            .collect();
        json!({ "input": rows })
    };
    let mutation = "mutation($input: [ValueInput!]!) { writeValues(input: $input) { rows } }";
    data(&client, mutation, write(0, 100)).await;
    let query = "query($s: Int, $after: String) { stream(rowId: $s) { values(first: 7, after: $after) { nodes { value } pageInfo { hasNextPage endCursor } } } }";
    let (mut found, mut after, mut grown) = (Vec::new(), Value::Null, 100);
    loop {
        let got = data(&client, query, json!({"s": streams[0], "after": after})).await;
        let page = &got["stream"]["values"];
        found.extend(
            page["nodes"]
                .as_array()
                .expect("nodes")
                .iter()
                .map(|node| node["value"].as_f64().expect("a number")),
        );
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
        if grown < 150 {
            data(&client, mutation, write(grown, 5)).await;
            grown += 5;
        }
    }
    let expected: Vec<f64> = (0..150).map(f64::from).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn wrong_arguments_are_named() {
    let (_server, client) = Server::with_client(&[]).await;
    set_up(&client).await;
    let rows = rows![
        "{ devices(first: -1) { totalCount } }", "first: must be from 0 to 1000";
        "{ devices(first: 1, last: 1) { totalCount } }", "last: give either first or last";
        "{ streams(after: \"x\") { totalCount } }", "after: is not a cursor of this list";
        "{ streams(device: \"x\") { totalCount } }", "device: `x` is neither the id of a Device nor its row number";
        "{ stream { name } }", "id: give either id or rowId";
        "{ stream(id: 1, rowId: 1) { name } }", "id: give either id or rowId";
        "{ stream(rowId: 1) { values(first: 100001) { totalCount } } }", "first: must be from 0 to 100000";
        "{ stream(rowId: 1) { values(downsample: 1) { totalCount } } }", "downsample: must be from 2";
        "{ stream(rowId: 1) { values(downsample: 5, first: 5) { totalCount } } }", "downsample: returns one page";
        "{ stream(rowId: 1) { values(after: \"x\") { totalCount } } }", "after: is not a cursor of this list";
        "{ stream(rowId: 1) { values(from: \"noon\") { totalCount } } }", "`noon` is not an ISO-8601 time";
        "{ stream(rowId: 1) { statistics(step: \"PT1H\") { mean } } }", "step: needs both from and to";
        "{ stream(rowId: 1) { statistics(step: \"1h\", from: \"2026-01-01\", to: \"2026-01-02\") { mean } } }",
            "is not an ISO-8601 duration";
        "{ stream(rowId: 1) { statistics(step: \"PX\", from: \"2026-01-01\", to: \"2026-01-02\") { mean } } }",
            "step: Invalid ISO-8601 duration.";
        "{ stream(rowId: 1) { statistics(step: \"PT1S\", from: \"2026-01-01\", to: \"2026-01-02\") { mean } } }",
            "step: Too many buckets (limit 10000).";
        "{ values(streams: [1], from: \"2026-01-02\", to: \"2026-01-01\", step: \"PT1H\") { ts } }", "to: must be after from";
        "{ values(streams: [1], from: \"2026-01-01\", to: \"2026-01-02\", step: \"P1D\", timezone: \"Mars\") { ts } }",
            "timezone: There is no timezone of this name.";
        "{ values(streams: [999], from: \"2026-01-01\", to: \"2026-01-02\", step: \"P1D\") { ts } }", "not found";
        "{ sql(query: \"SELEC 1\") { rowCount } }", "SELEC";
        "{ sql(query: \"DELETE FROM readings\") { rowCount } }", "only reading statements";
        "{ sql(query: \"SELECT 1 AS id, 2 AS id\") { columns { name } rows } }", "two columns `id`";
    ];
    for (query, expected) in rows {
        let body = ask(&client, query, json!({})).await;
        let message = body["errors"][0]["message"].as_str().unwrap_or_else(|| panic!("{query}: {body}"));
        assert!(message.contains(expected), "{query}: {message}");
    }
}

#[tokio::test]
async fn charts_have_the_digits_and_qualities_of_the_readings() {
    let (_server, client) = Server::with_client(&[]).await;
    let (_, streams) = plant(&client, "press", &[("count", "int64")]).await;
    let stream = streams[0].to_string();
    let row = |minute: i64| json!({"stream": stream, "ts": format!("2026-03-01T12:0{minute}:00Z"), "value": 9_007_199_254_740_993_i64 + minute, "quality": "uncertain"});
    let query = "mutation($input: [ValueInput!]!) { writeValues(input: $input) { rows errors { message } } }";
    let written = data(&client, query, json!({"input": [row(0), row(1), row(2), row(3)]})).await;
    assert_eq!(written["writeValues"], json!({"rows": 4, "errors": []}));
    for (query, expected) in rows![
        "{ stream(rowId: $s) { values(downsample: 2) { nodes { ts text quality } } } }",
            json!({"stream": {"values": {"nodes": [
                {"ts": "2026-03-01T12:00:00Z", "text": "9007199254740993", "quality": "uncertain"},
                {"ts": "2026-03-01T12:03:00Z", "text": "9007199254740996", "quality": "uncertain"},
            ]}}});
        "{ stream(rowId: $s) { values(downsample: 3, order: DESC) { edges { node { quality } } } } }",
            json!({"stream": {"values": {"edges": [
                {"node": {"quality": "uncertain"}}, {"node": {"quality": "uncertain"}}, {"node": {"quality": "uncertain"}},
            ]}}});
        r#"{ values(streams: [$s, $s], from: "2026-03-01", to: "2026-03-02", step: "P1D") { series { count stream { name } } } }"#,
            json!({"values": {"series": [{"count": [4], "stream": {"name": "count"}}, {"count": [4], "stream": {"name": "count"}}]}});
        "{ stream(rowId: $s) { name @include(if: false) } }", json!({"stream": {}});
    ] {
        let query = query.replace("$s", &stream);
        assert_eq!(data(&client, &query, json!({})).await, expected, "{query}");
    }
}
