//! Tests what nodes say of the use of a query, and what the node that was asked makes of it.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::time::Duration;

use bytes::Bytes;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool};
use datafusion_distributed::grpc::BoxCloneSyncChannel;
use http_body_util::{BodyExt, Full};
use prost::Message;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Status};
use tower::{ServiceExt, service_fn};
use url::Url;
use uuid::Uuid;

use super::task_session::TaskHeaders;
use super::task_tests::{Node, own_url};
use super::usage_collector::add_answer;
use super::usage_service::{UsageMessage, ask};
use super::*;
use crate::domain::OrgId;
use crate::query::node_usage::{NodeUsage, RemoteUsage};

/// Change of the headers of a call.
type HeaderChange = fn(&mut HeaderMap);

/// A connection to a service that answers a call with these bytes and an end in order.
fn channel_with(reply: Vec<u8>) -> BoxCloneSyncChannel {
    BoxCloneSyncChannel::new(service_fn(move |_: Request<Body>| {
        let status = (HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
        let trailers = ready(Some(Ok(HeaderMap::from_iter([status]))));
        let body = Full::new(Bytes::from(reply.clone())).with_trailers(trailers);
        ready(Ok::<_, tonic::transport::Error>(Response::new(Body::new(body))))
    }))
}

/// A connection to a node that changes the headers of its calls.
fn channel_to(node: &Node, change: HeaderChange) -> BoxCloneSyncChannel {
    let service = UsageService::new(node.engine.spread().unwrap().trackers.clone());
    let service = service.map_err(|never: Infallible| -> tonic::transport::Error { match never {} });
    BoxCloneSyncChannel::new(service.map_request(move |mut call: Request<Body>| {
        change(call.headers_mut());
        call
    }))
}

fn query_of(org: OrgId) -> TaskHeaders {
    TaskHeaders { query: Uuid::new_v4(), org, catalog: None }
}

/// Has the tasks of a query on a node use this.
fn use_resources(node: &Node, of: TaskHeaders, NodeUsage { bytes, peak_memory }: NodeUsage) {
    let tracker = node.engine.spread().unwrap().trackers.of(of.query, of.org);
    tracker.scan_metrics.add_bytes(bytes);
    let pool: Arc<dyn MemoryPool> = tracker.memory_pool.clone();
    MemoryConsumer::new("Test").register(&pool).try_grow(peak_memory as usize).unwrap();
}

#[test]
fn a_node_says_what_the_tasks_of_a_query_have_used() {
    let node = Node::new();
    let answer = |query| node.env.runtime.block_on(ask(channel_to(&node, |_| {}), query));
    let (first, second) = (query_of(OrgId(1)), query_of(OrgId(2)));
    use_resources(&node, first, NodeUsage { bytes: 700, peak_memory: 3_000 });
    use_resources(&node, first, NodeUsage { bytes: 50, peak_memory: 2_000 });
    use_resources(&node, second, NodeUsage { bytes: 1, peak_memory: 2 });
    for (name, query, expected) in [
        ("two tasks", first, NodeUsage { bytes: 750, peak_memory: 3_000 }),
        ("another query", second, NodeUsage { bytes: 1, peak_memory: 2 }),
        ("an unknown query", query_of(OrgId(1)), NodeUsage::default()),
    ] {
        assert_eq!(answer(query).unwrap(), expected, "{name}");
    }
    let refusal = answer(TaskHeaders { org: OrgId(2), ..first }).unwrap_err();
    assert_eq!(refusal.code(), Code::PermissionDenied);
    assert_eq!(refusal.message(), "the query is of another organization");
}

#[test]
fn a_question_that_names_no_query_is_refused() {
    let node = Node::new();
    let changes: [(&str, HeaderChange); 4] = [
        ("basalt-query", |headers| drop(headers.remove("basalt-query"))),
        ("basalt-org", |headers| drop(headers.remove("basalt-org"))),
        ("basalt-query", |headers| {
            headers.insert("basalt-query", HeaderValue::from_static("0b1f"));
        }),
        ("basalt-org", |headers| {
            headers.insert("basalt-org", HeaderValue::from_bytes(b"\xff").unwrap());
        }),
    ];
    for (name, change) in changes {
        let call = ask(channel_to(&node, change), query_of(OrgId(1)));
        let refusal = node.env.runtime.block_on(call).unwrap_err();
        assert_eq!(refusal.code(), Code::InvalidArgument, "{refusal}");
        assert!(refusal.message().contains(name), "{refusal}");
    }
}

#[tokio::test]
async fn a_reply_that_is_cut_is_no_answer() {
    let usage = NodeUsage { bytes: 1 << 40, peak_memory: 1 << 30 };
    let message = UsageMessage::from(usage).encode_to_vec();
    // A message of gRPC: not compressed, its length, itself.
    let frame = [&[0][..], &(message.len() as u32).to_be_bytes()[..], &message[..]].concat();
    let query = query_of(OrgId(1));
    assert_eq!(ask(channel_with(frame.clone()), query).await.unwrap(), usage);
    for end in 0..frame.len() {
        let answer = ask(channel_with(frame[..end].to_vec()), query).await;
        assert!(answer.is_err(), "{end} of {} bytes: {answer:?}", frame.len());
    }
    let no_message = [0, 0, 0, 0, 2, 0xff, 0xff];
    assert!(ask(channel_with(no_message.to_vec()), query).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_does_not_answer_is_left_out() {
    let (node, query, usage) = (own_url(), query_of(OrgId(1)), RemoteUsage::default());
    add_answer(&node, query, ready(Ok(NodeUsage { bytes: 5, peak_memory: 9 })), &usage).await;
    add_answer(&node, query, ready(Err(Status::unavailable("it is gone"))), &usage).await;
    let no_answer = add_answer(&node, query, pending(), &usage);
    tokio::time::timeout(Duration::from_secs(3600), no_answer).await.expect("nobody waits for it");
    add_answer(&node, query, ready(Ok(NodeUsage { bytes: 2, peak_memory: 7 })), &usage).await;
    assert_eq!(usage.total(), NodeUsage { bytes: 7, peak_memory: 9 });
}

/// Here one node is both: the one that was asked and, at another URL, another one that has tasks.
#[test]
fn the_end_of_a_query_has_the_other_nodes_asked() {
    let node = Node::new();
    let spread = node.engine.spread().unwrap();
    let expected = NodeUsage { bytes: 700, peak_memory: 3_000 };
    node.env.runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let other = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let server = Server::builder().add_routes(spread.task_routes());
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        let nodes = vec![own_url(), other];
        node.engine.set_workers(nodes.clone());
        let query_context = node.query_context();
        use_resources(&node, TaskHeaders::of(&query_context.tracker), expected);
        let usage = query_context.tracker.remote_usage.clone();
        let collector = spread.usage_collector(&nodes, &query_context.tracker);
        assert_eq!(usage.total(), NodeUsage::default());
        drop(collector);
        let answer = async {
            while usage.total() != expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), answer).await.expect("the other node is asked");
    });
}
