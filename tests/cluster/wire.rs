//! Traffic between nodes: for nodes only, and nothing of other organizations.

use std::ops::Range;
use std::time::Duration;

use axum::http::Request;
use axum::http::uri::PathAndQuery;
use datafusion_distributed::GetWorkerInfoRequest;
use datafusion_distributed::grpc::{BoxCloneSyncChannel, DefaultChannelResolver, create_worker_client};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::body::Body;
use tonic_prost::ProstCodec;
use tower::ServiceExt;

use crate::ingest::NDJSON;
use crate::rest::stream_of;
use crate::support::{Client, Cluster, Link, SECRET, Server, eventually, free_port, until};

/// 2026-04-28T12:00:00Z, in seconds.
const NOON: i64 = 1_777_377_600;

async fn write(client: &Client, stream: i64, text: &str) {
    write_on(client, stream, 0, text).await;
}

/// Writes a text on one of several days.
async fn write_on(client: &Client, stream: i64, day: i64, text: &str) {
    let line = json!({"stream_id": stream, "ts": NOON - day * 86_400, "text": text}).to_string();
    client.ingest(NDJSON, line).await.ok();
}

#[tokio::test]
async fn what_others_have_leaves_no_node() {
    let cluster = Cluster::start(&[("BASALT_FLUSH__AGE", "1h")]).await;
    let (link, heard) = Link::recorder(&cluster.owner_url()).await;
    let node = cluster.query_node(&[("BASALT_CLUSTER__OWNER", &link.url)]).await;
    cluster.ingest.basalt(&["org", "create", "other"]).await.expect_success();
    let other = cluster.ingest.create_key(&["--org", "other"]).await;
    let (ours, theirs) = (cluster.ingest.client(), cluster.ingest.client().with_key(&other));
    let (_, own) = stream_of(&ours, "state", "text").await;
    let (_, foreign) = stream_of(&theirs, "state", "text").await;
    write(&ours, own, "our-marked-text").await;
    write(&theirs, foreign, "their-marked-text").await;
    for statement in
        ["SELECT text FROM readings", "SELECT text FROM latest", "SELECT name, state FROM devices"]
    {
        let rows = node.client().sql(statement).await;
        assert_eq!(rows.len(), 1, "{statement}: {rows:?}");
    }
    let is_heard = |text: &str| heard.lock().windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(is_heard("our-marked-text"), "the test sees what is said");
    assert!(!is_heard("their-marked-text"));
    let expected = [json!({"text": "their-marked-text"})];
    assert_eq!(node.client().with_key(&other).sql("SELECT text FROM readings").await, expected);
    assert!(is_heard("their-marked-text"), "once they ask themselves");
}

/// Rows are sent to a node once, and its answers are those of the ingest node all the same.
#[tokio::test]
async fn rows_that_a_node_has_are_not_sent_again() {
    let cluster = Cluster::start(&[("BASALT_FLUSH__AGE", "1h")]).await;
    let (link, heard) = Link::recorder(&cluster.owner_url()).await;
    let node = cluster.query_node(&[("BASALT_CLUSTER__OWNER", &link.url)]).await;
    let (owner, client) = (cluster.ingest.client(), node.client());
    let (_, stream) = stream_of(&owner, "speed", "fp64").await;
    let write = async |seconds: Range<i64>, value: i64| {
        let line =
            |second: i64| json!({"stream_id": stream, "ts": NOON + second, "value": value}).to_string();
        let lines: Vec<String> = seconds.map(line).collect();
        owner.ingest(NDJSON, lines.join("\n")).await.ok();
    };
    // Returns how many bytes the ingest node says for one statement of the query node.
    let ask = async |count: i64, sum: i64| {
        heard.lock().clear();
        let statement = "SELECT count(*) AS n, CAST(sum(value) AS bigint) AS sum FROM readings";
        assert_eq!(client.sql(statement).await, [json!({"n": count, "sum": sum})]);
        heard.lock().len()
    };
    write(0..20_000, 1).await;
    let bytes = ask(20_000, 20_000).await;
    assert!(bytes > 20_000 * 29, "each row has 29 bytes: {bytes}");
    let bytes = ask(20_000, 20_000).await;
    assert!(bytes < 4096, "nothing is new: {bytes}");
    // Ten rows are new and ten are written over.
    write(19_990..20_010, 2).await;
    let bytes = ask(20_010, 20_030).await;
    assert!(bytes < 4096, "twenty rows are new: {bytes}");
    cluster.ingest.basalt(&["compact"]).await.expect_success();
    write(30_000..30_001, 3).await;
    let bytes = ask(20_011, 20_033).await;
    assert!(bytes < 4096, "the others are in the lake: {bytes}");
}

/// Rows of others lie in the same files; each node filters those that it reads itself.
#[tokio::test]
async fn what_others_have_is_in_no_task() {
    let cluster = Cluster::start(&[("BASALT_FLUSH__AGE", "1h")]).await;
    let all = ("BASALT_CLUSTER__SPREAD_MIN_ROWS", "0");
    let listen = format!("127.0.0.1:{}", free_port());
    let (link, heard) = Link::recorder(&format!("http://{listen}")).await;
    let node = cluster.query_node(&[all]).await;
    let _other = cluster
        .query_node(&[("BASALT_CLUSTER__LISTEN", &listen), ("BASALT_CLUSTER__ADVERTISE", &link.url)])
        .await;
    cluster.ingest.basalt(&["org", "create", "other"]).await.expect_success();
    let other = cluster.ingest.create_key(&["--org", "other"]).await;
    let (ours, theirs) = (cluster.ingest.client(), cluster.ingest.client().with_key(&other));
    let texts = [
        (&ours, "our-marked-stream", "our-marked-text"),
        (&theirs, "their-marked-stream", "their-marked-text"),
    ];
    for (client, name, text) in texts {
        let (_, stream) = stream_of(client, name, "text").await;
        for day in 0..6 {
            write_on(client, stream, day, text).await;
        }
    }
    cluster.ingest.basalt(&["compact"]).await.expect_success();
    let running = "SELECT count(*) AS n FROM nodes WHERE running AND role = 'query'";
    until!("both nodes are listed", Duration::from_secs(30); node.client().sql(running).await == [json!({"n": 2})]);
    let is_heard = |text: &str| heard.lock().windows(text.len()).any(|bytes| bytes == text.as_bytes());
    eventually("a query is divided", Duration::from_secs(30), || async {
        let rows = node.client().sql("SELECT text FROM readings ORDER BY ts").await;
        assert_eq!(rows, vec![json!({"text": "our-marked-text"}); 6]);
        is_heard("our-marked-text").then_some(())
    })
    .await;
    eventually("a join is divided", Duration::from_secs(30), || async {
        let joined =
            "SELECT s.name, r.text FROM readings r JOIN streams s ON s.id = r.stream_id ORDER BY r.ts";
        let row = json!({"name": "our-marked-stream", "text": "our-marked-text"});
        assert_eq!(node.client().sql(joined).await, vec![row; 6]);
        is_heard("our-marked-stream").then_some(())
    })
    .await;
    assert!(!is_heard("their-marked"));
}

/// A query node runs tasks for nodes only, and tells nodes only what these have used.
#[tokio::test]
async fn who_is_no_node_gives_no_tasks() {
    let cluster = Cluster::start(&[]).await;
    let listen = format!("127.0.0.1:{}", free_port());
    let node = cluster.query_node(&[("BASALT_CLUSTER__LISTEN", &listen)]).await;
    let url = url::Url::parse(&format!("http://{listen}")).unwrap();
    let connect = |secret: Option<String>| async {
        let plain = DefaultChannelResolver::default().get_channel(&url).await.unwrap();
        let channel = plain.map_request(move |mut call: Request<Body>| {
            if let Some(secret) = &secret {
                let bearer = format!("Bearer {secret}").parse().unwrap();
                call.headers_mut().insert("authorization", bearer);
            }
            call
        });
        BoxCloneSyncChannel::new(channel)
    };
    let ask = |secret: Option<String>| async {
        let mut worker = create_worker_client(connect(secret).await);
        worker.get_worker_info(GetWorkerInfoRequest {}).await
    };
    let ask_usage = |secret: Option<String>| async {
        let mut client = tonic::client::Grpc::new(connect(secret).await);
        client.ready().await.unwrap();
        let (request, path) = (tonic::Request::new(()), PathAndQuery::from_static("/basalt.TaskUsage/Get"));
        client.unary(request, path, ProstCodec::<(), ()>::default()).await.unwrap_err()
    };
    for secret in [None, Some(String::new()), Some(node.key.clone()), Some(format!("{SECRET}x"))] {
        let refusal = ask(secret.clone()).await.err().expect("a stranger").to_string();
        assert!(refusal.contains("the secret is not the one of this cluster"), "{refusal}");
        assert_eq!(ask_usage(secret).await.code(), Code::Unauthenticated);
    }
    assert_eq!(ask(Some(SECRET.to_owned())).await.unwrap().version, env!("CARGO_PKG_VERSION"));
    let answer = ask_usage(Some(SECRET.to_owned())).await;
    assert!(answer.code() == Code::InvalidArgument && answer.message().contains("basalt-query"), "{answer}");
}

/// Opens many connections of strangers at once: some begin a request and do not end its head, the others send a long body without
/// the secret. The server has to hold none of it.
async fn strangers_hold_no_memory(server: &Server, address: &str) {
    const BODY_BYTES: usize = 2_000_000;
    let before = server.reset_peak_memory();
    let head = format!("POST /cluster/tail HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY_BYTES}\r\n\r\n");
    let mut strangers = Vec::new();
    for n in 0..120 {
        let (address, head) = (address.to_owned(), head.clone());
        strangers.push(tokio::spawn(async move {
            let mut socket = TcpStream::connect(address).await.unwrap();
            let sent = match n % 2 {
                0 => head.as_bytes()[..40].to_vec(),
                _ => [head.as_bytes(), &vec![b' '; BODY_BYTES - 1]].concat(),
            };
            // The server may have closed it already, or read no further.
            let sending = tokio::time::timeout(Duration::from_secs(1), socket.write_all(&sent));
            drop(sending.await);
            socket
        }));
    }
    let mut open = Vec::new();
    for stranger in strangers {
        open.push(stranger.await.unwrap());
    }
    let (Some(before), Some(peak)) = (before, server.peak_memory_mib()) else { return };
    assert!(peak < before + 64, "{before} MiB before, {peak} beside {} strangers", open.len());
}

#[tokio::test]
async fn who_is_no_node_is_told_nothing_and_refused_before_its_body_is_read() {
    let cluster = Cluster::start(&[]).await;
    let url = cluster.owner_url();
    let body = json!({"org": 1, "newest": true, "states": true});
    let stranger = Client::new(&url, &cluster.ingest.key);
    for client in [stranger.without_key(), stranger] {
        client.post("/cluster/tail", &body).await.expect(401);
    }
    let answer = cluster.ingest.client().post("/cluster/tail", &body).await;
    answer.about("it is no route of other listeners").expect(404);
    // Security review 6: the body was read and parsed before anybody asked for the secret, 2 MiB of each stream.
    let stranger = Client::new(&url, &cluster.ingest.key).without_key();
    let answer = stranger.post("/cluster/tail", &json!({})).await;
    answer.about("what the body lacks is told to nodes alone").expect(401);
    // None of the bytes that it declares comes.
    let mut socket = TcpStream::connect(stranger.address()).await.unwrap();
    let head = "POST /cluster/tail HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    let reading = tokio::time::timeout(Duration::from_secs(15), socket.read_exact(&mut status));
    reading.await.expect("it is not waited for").expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 401");
    strangers_hold_no_memory(&cluster.ingest, stranger.address()).await;
    // A node sends a short request.
    let secret = format!("Bearer {SECRET}");
    let headers = [("content-type", "application/json"), ("authorization", secret.as_str())];
    let body = json!({"org": 1, "newest": true, "states": true}).to_string();
    for (filler, expected) in [(0, 200), (5000, 413)] {
        let body = body.clone() + &" ".repeat(filler);
        stranger.send_bytes("POST", "/cluster/tail", &headers, body).await.expect(expected);
    }
}
