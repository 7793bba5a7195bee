//! Reads of readings and statistics over REST and GraphQL: the node that is asked answers as the ingest node would.

use serde_json::{Value, json};

use crate::ingest::{CSV, NDJSON, number};
use crate::rest::stream_of;
use crate::support::{Answer, Client, Cluster, rows};

/// 2026-04-28T12:00:00Z, in seconds.
const NOON: i64 = 1_777_377_600;

/// A path and what is posted to it; without a body it is read.
type Request = (String, Option<Value>);

async fn send(client: &Client, (path, body): &Request) -> Answer {
    match body {
        Some(body) => client.post(path, body).await,
        None => client.get(path).await,
    }
}

fn graphql(query: String) -> Request {
    ("/graphql".to_owned(), Some(json!({ "query": query })))
}

const ANSWERED: &str =
    "SELECT count(*) AS n FROM query_log WHERE surface IN ('values', 'statistics', 'steps')";

/// How many lists, rows and series the node itself has answered.
async fn answered_by(client: &Client) -> i64 {
    number(&client.sql(ANSWERED).await)
}

struct Plant {
    speed: i64,
    note: i64,
    /// A stream of another organization.
    foreign: i64,
    /// A key of that organization.
    foreign_key: String,
}

/// Writes rows that are in files, and then late ones, overwritten ones, bad ones and new ones that are not.
async fn fill(cluster: &Cluster, client: &Client) -> Plant {
    cluster.ingest.basalt(&["org", "create", "other"]).await.expect_success();
    let foreign_key = cluster.ingest.create_key(&["--org", "other"]).await;
    let stranger = client.with_key(&foreign_key);
    let (_, speed) = stream_of(client, "speed", "fp64").await;
    let (_, note) = stream_of(client, "note", "text").await;
    let (_, foreign) = stream_of(&stranger, "foreign", "fp64").await;
    let row = |stream: i64, second: i64, value: i64| {
        json!({"stream_id": stream, "ts": NOON + second, "value": value}).to_string() + "\n"
    };
    let text = |second: i64| {
        json!({"stream_id": note, "ts": NOON + second, "text": format!("note {second}")}).to_string() + "\n"
    };
    let rows: String = (0..600).map(|n| row(speed, n * 10, n % 50)).chain((0..5).map(text)).collect();
    client.ingest(NDJSON, rows).await.ok();
    stranger.ingest(NDJSON, row(foreign, 0, 7)).await.ok();
    cluster.ingest.basalt(&["compact"]).await.expect_success();
    let late: String = [(5, 1000), (10, 2000), (6001, 3000), (6002, 4000)]
        .map(|(second, value)| row(speed, second, value))
        .concat();
    client.ingest(NDJSON, late).await.ok();
    let bad = |second: i64| format!("{speed},{},,bad\n", NOON + second);
    client.ingest(CSV, format!("stream_id,ts,value,quality\n{}{}", bad(20), bad(6010))).await.ok();
    stranger.ingest(NDJSON, row(foreign, 1, 8)).await.ok();
    let posted = json!({"timestamp": NOON + 60, "mean": 12.5, "max": 99});
    client.post(&format!("/api/data/{speed}/statistic/"), &posted).await.expect_one_of(&[200, 201]);
    Plant { speed, note, foreign, foreign_key }
}

/// Requests that a query node answers itself: lists, pages, rows, and wrong ones.
fn lists(plant: &Plant) -> Vec<Request> {
    let Plant { speed, note, foreign, .. } = *plant;
    let range = format!("from={}&to={}", NOON, NOON + 7200);
    let one = |stream: i64, second: i64| format!("{stream}-{}000000", NOON + second);
    let paths = [
        format!("/api/data/{speed}/value/"),
        format!("/api/data/{speed}/value"),
        format!("/api/data/{speed}/value/?limit=1"),
        format!("/api/data/{speed}/value/?limit=7&offset=3"),
        format!("/api/data/{speed}/value/?{range}&limit=10000"),
        format!("/api/data/{speed}/value/?{range}&limit=5&offset=598"),
        format!("/api/data/{note}/value/?limit=1"),
        format!("/api/data/{note}/value/"),
        "/api/value/?limit=20".to_owned(),
        format!("/api/value/?data={note}&{range}&limit=100"),
        format!("/api/value/{}/", one(speed, 10)),
        format!("/api/value/{}/", one(speed, 20)),
        format!("/api/value/{}/", one(foreign, 1)),
        format!("/api/data/{speed}/statistic/?fields=all"),
        format!("/api/data/{speed}/statistic/?{range}&step=PT5M"),
        format!("/api/statistic/?data={speed}&{range}&fields=mean,max&limit=50"),
        "/api/statistic/?limit=5&fields=all".to_owned(),
        format!("/api/statistic/{}/", one(speed, 60)),
        format!("/api/data/{foreign}/value/"),
        format!("/api/data/{foreign}/statistic/"),
        format!("/api/value/?data={foreign}"),
        "/api/data/999999/value/".to_owned(),
        "/api/data/x/value/".to_owned(),
        "/api/value/x-y/".to_owned(),
        format!("/api/data/{speed}/value/?limit=x&from=yesterday"),
        format!("/api/data/{speed}/statistic/?{range}&step=often"),
        "/api/statistic/?step=PT1H".to_owned(),
    ];
    paths.into_iter().map(|path| (path, None)).collect()
}

/// Requests over GraphQL that a query node answers itself: lists, pages, rows, and wrong ones.
fn documents(plant: &Plant) -> Vec<Request> {
    let Plant { speed, note, foreign, .. } = *plant;
    let range = "from: \"2026-04-28T12:00:00Z\", to: \"2026-04-28T14:00:00Z\"";
    let reading = "totalCount pageInfo { hasNextPage endCursor } nodes { ts value text quality }";
    let queries = rows![
        format!("{{ stream(rowId: {speed}) {{ id name type device {{ name }} values(first: 5) {{ {reading} }} }} }}");
        format!("{{ stream(rowId: {speed}) {{ values(order: DESC, first: 3) {{ {reading} }} }} }}");
        format!("{{ stream(rowId: {speed}) {{ values({range}, downsample: 20) {{ nodes {{ ts value }} }} }} }}");
        format!("{{ stream(rowId: {speed}) {{ statistics({range}) {{ ts window origin count mean max }} }} }}");
        format!("{{ stream(rowId: {speed}) {{ statistics({range}, step: \"PT10M\") {{ ts count mean min }} }} }}");
        "{ streams { totalCount nodes { rowId name values(first: 2) { nodes { ts text } } } } }".to_owned();
        format!(
            "{{ values(streams: [{speed}, {note}], {range}, step: \"PT1H\") {{ ts series {{ stream {{ rowId }} mean count }} }} }}"
        );
        "{ sql(query: \"SELECT count(*) AS n FROM readings\") { columns { name type } rows rowCount } }".to_owned();
        "{ sql(query: \"SELECT * FROM nothing\") { rows } }".to_owned();
        format!("{{ stream(rowId: {foreign}) {{ name values {{ totalCount }} }} }}");
        format!("{{ values(streams: [{foreign}], {range}, step: \"PT1H\") {{ ts }} }}");
        format!("{{ stream(rowId: {speed}) {{ values(first: -1) {{ totalCount }} }} }}");
    ];
    let mut requests: Vec<Request> = queries.into_iter().map(graphql).collect();
    let query =
        "query A($id: Int) { stream(rowId: $id) { ...f } } fragment f on Stream { values { totalCount } }";
    let body = json!({"query": query, "operationName": "A", "variables": {"id": speed}});
    requests.push(("/graphql".to_owned(), Some(body)));
    let query = format!("%7Bstream(rowId:{speed})%7Bvalues%7BtotalCount%7D%7D%7D");
    requests.push((format!("/graphql?query={query}"), None));
    requests
}

#[tokio::test]
async fn reads_over_rest_and_graphql_are_answered_by_the_node_that_is_asked() {
    let cluster = Cluster::start(&[("BASALT_FLUSH__AGE", "1h")]).await;
    let node = cluster.query_node(&[]).await;
    let (owner, client) = (cluster.ingest.client(), node.client());
    let plant = fill(&cluster, &client).await;
    let note = plant.note.to_string();
    let keys = [
        owner.key().unwrap().to_owned(),
        cluster.ingest.create_key(&["--data", &note]).await,
        cluster.ingest.create_key(&["--scope", "device:read"]).await,
        plant.foreign_key.clone(),
        "nobody".to_owned(),
    ];
    let requests = [lists(&plant), documents(&plant)].concat();
    for flushed in [false, true] {
        let (before, own_before) = (answered_by(&owner).await, answered_by(&client).await);
        let mut found = Vec::new();
        for key in &keys {
            for request in &requests {
                found.push(send(&client.with_key(key), request).await.outcome());
            }
        }
        assert_eq!(answered_by(&owner).await, before, "the ingest node is not asked, flushed: {flushed}");
        let own = answered_by(&client).await;
        assert!(own >= own_before + 20, "{own_before}, then {own} by this node");

        let mut found = found.into_iter();
        for key in &keys {
            for request in &requests {
                let expected = send(&owner.with_key(key), request).await.outcome();
                assert_eq!(found.next(), Some(expected), "{request:?} by {key}, flushed: {flushed}");
            }
        }
        cluster.ingest.basalt(&["compact"]).await.expect_success();
    }
    // Statements of GraphQL are this node's too, as those of SQL are.
    let (expected, of_owner) = (answered_by(&client).await, answered_by(&owner).await);
    let found = send(&client, &graphql(format!("{{ sql(query: \"{ANSWERED}\") {{ rows }} }}"))).await.body;
    assert_eq!(found["data"]["sql"]["rows"], json!([{ "n": expected }]), "the ingest node has {of_owner}");
}

#[tokio::test]
async fn what_else_is_sent_to_the_paths_of_reads_is_handed_on() {
    let cluster = Cluster::start(&[]).await;
    let node = cluster.query_node(&[]).await;
    let (owner, client) = (cluster.ingest.client(), node.client());
    let (_, stream) = stream_of(&client, "speed", "fp64").await;
    let values = format!("/api/data/{stream}/value/");
    for round in 0..20 {
        let row = json!({"timestamp": NOON + round, "value": round});
        client.post(&values, &row).await.about(&format!("round {round}: a write")).created();
        let newest = client.get(&format!("{values}?limit=1")).await;
        newest.about(&format!("round {round}")).has(200, json!({"/0/value": round as f64}));
        let name = format!("speed {round}");
        client.patch(&format!("/api/data/{stream}/"), &json!({ "name": name })).await.ok();
        let query = graphql(format!(
            "{{ stream(rowId: {stream}) {{ name values(order: DESC, first: 1) {{ totalCount nodes {{ value }} }} }} }}"
        ));
        let found = send(&client, &query).await.body;
        let expected =
            json!({"name": name, "values": {"totalCount": round + 1, "nodes": [{"value": round as f64}]}});
        assert_eq!(found["data"]["stream"], expected, "round {round}: {found}");
    }
    let mutation = format!(
        "mutation {{ writeValues(input: [{{stream: {stream}, ts: \"2026-04-28T13:00:00Z\", value: 5}}]) {{ rows }} }}"
    );
    let written = send(&client, &graphql(mutation)).await.body;
    assert_eq!(written["data"]["writeValues"]["rows"], 1, "{written}");
    client.get(&format!("{values}?limit=1")).await.has(200, json!({"/0/value": 5.0}));

    let ranged = format!("{values}?from={}&to={}", NOON, NOON + 7200);
    for (method, path) in [
        ("GET", ranged.as_str()),
        ("PUT", values.as_str()),
        ("DELETE", "/api/value/"),
        ("OPTIONS", "/api/statistic/"),
        ("PUT", "/graphql"),
        ("GET", "/api/data/devices/"),
        ("GET", "/api/data/packets/value"),
        ("GET", "/api/data/sensors/statistic/"),
        ("GET", "/graphql"),
        ("GET", "/graphql?query=%7BlatestValues%7Bvalue%7D%7D"),
    ] {
        let (expected, found) =
            (owner.send(method, path, &[], "").await, client.send(method, path, &[], "").await);
        assert_eq!((found.status, found.body), (expected.status, expected.body), "{method} {path}");
        assert_eq!(found.headers.get("allow"), expected.headers.get("allow"), "{method} {path}");
    }
    let batch = json!([{"query": "{ queryLog }"}, {"query": "{ latestValues { value } }"}]);
    for body in [
        json!({"query": "{ latestValues { value stream { name } } }"}),
        json!({"query": "{ streams { nodes { latest { value quality } device { status { state } } } } }"}),
        json!({"query": "{ streams { nodes { nothing } } }"}),
        json!({"query": "{"}),
        json!({"id": "no query"}),
        json!([{"query": "{ latestValues { value } }"}]),
    ] {
        let request = ("/graphql".to_owned(), Some(body));
        let expected = send(&owner, &request).await.outcome();
        assert_eq!(send(&client, &request).await.outcome(), expected, "{request:?}");
    }
    let answers = send(&client, &("/graphql".to_owned(), Some(batch))).await;
    answers.has(200, json!({"/1/data/latestValues/0/value": 5.0}));
}
