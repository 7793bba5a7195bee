//! Counters of a collector: the same by REST, GraphQL and /metrics, while the device answers, is gone, and is back.

use basalt::domain::device::Protocol;
use basalt::sim::{Plant, Simulator};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{EVENT_TIMEOUT, device_at, simulator, stream_at};
use crate::support::{Client, Server, eventually, until};

/// The value of one sample of /metrics.
async fn sample(client: &Client, of: &str) -> Option<f64> {
    let (status, headers, page) = client.get("/metrics").await.into_parts();
    let found = (status, &headers["content-type"]);
    assert_eq!(found, (200, &"text/plain; version=0.0.4; charset=utf-8".parse().unwrap()));
    let page = page.as_str().expect("a text").to_owned();
    let value = page.lines().find_map(|line| line.strip_prefix(of)?.strip_prefix(' '));
    value.map(|value| value.parse().expect("a number"))
}

async fn status(client: &Client, device: i64) -> Value {
    client.get(&format!("/api/device/{device}/status/")).await.body
}

/// The counters by GraphQL, named as by REST.
async fn in_graph(client: &Client, device: i64) -> Value {
    let query = format!(
        "{{ device(rowId: {device}) {{ status {{ state reads readings reconnects skipped errors {{ refused timeout }} \
         latencyP99Ms latenessP99Ms }} }} }}"
    );
    client.post("/graphql", &json!({ "query": query })).await["data"]["device"]["status"].clone()
}

#[tokio::test]
async fn counters_move_with_the_device_and_agree() {
    let first = simulator(Protocol::Modbus).await;
    let (addr, server) = (first.addr(), Server::start(&[]).await);
    let client = server.client();
    let device = device_at(&client, Protocol::Modbus, addr.port(), json!({"poll_interval": 0.2})).await;
    stream_at(&client, device, "ir:0", "uint16").await;
    let labels = format!("device=\"{device}\",protocol=\"modbus\"");

    let polled = eventually("five polls", EVENT_TIMEOUT, || async {
        Some(status(&client, device).await).filter(|status| status["reads"].as_u64() >= Some(5))
    })
    .await;
    assert_eq!(polled["errors"], json!({"timeout": 0, "refused": 0, "protocol": 0, "other": 0}), "{polled}");
    assert!(polled["readings"].as_u64() >= Some(4) && polled["reconnects"] == 0, "{polled}");
    assert!(polled["latency_ms"]["p99"].is_number() && polled["lateness_ms"]["p99"].is_number(), "{polled}");
    let graph = in_graph(&client, device).await;
    let is_counted = graph["reads"].as_u64() >= polled["reads"].as_u64() && graph["state"] == polled["state"];
    assert!(is_counted, "{graph}");
    assert!(graph["readings"].as_u64() >= polled["readings"].as_u64(), "{graph}");
    assert!(graph["latencyP99Ms"].is_number() && graph["latenessP99Ms"].is_number(), "{graph}");
    for (name, at_least) in [
        ("basalt_device_requests_total", polled["reads"].as_f64()),
        ("basalt_device_readings_total", polled["readings"].as_f64()),
        ("basalt_device_request_duration_seconds_count", Some(5.0)),
        ("basalt_device_poll_lateness_seconds_count", Some(5.0)),
    ] {
        let found = sample(&client, &format!("{name}{{{labels}}}")).await;
        assert!(found >= at_least, "{name}: {found:?}, {at_least:?}");
    }

    first.stop().await;
    let refused = eventually("two refusals", EVENT_TIMEOUT, || async {
        let shown_status = status(&client, device).await;
        Some(shown_status).filter(|shown_status| {
            shown_status["errors"]["refused"].as_u64() >= Some(2) && shown_status["state"] == "offline"
        })
    })
    .await;
    assert!(refused["last_error"].as_str().is_some_and(|why| why.contains("refused")), "{refused}");
    assert!(in_graph(&client, device).await["errors"]["refused"].as_u64() >= Some(2));
    let errors = format!("basalt_device_errors_total{{{labels},kind=\"refused\"}}");
    assert!(sample(&client, &errors).await >= Some(2.0));
    let value = sample(&client, &format!("basalt_device_state{{{labels},state=\"offline\"}}")).await;
    assert_eq!(value, Some(1.0));
    let expected = Some(0.0);
    assert_eq!(sample(&client, &format!("basalt_device_state{{{labels},state=\"online\"}}")).await, expected);

    let listener = TcpListener::bind(addr).await.expect("the port it had");
    let second = Simulator::start_protocol(Protocol::Modbus, listener, Plant::default()).expect("it starts");
    until!("it is back", EVENT_TIMEOUT; status(&client, device).await["reconnects"] == 1);
    assert_eq!(in_graph(&client, device).await["reconnects"], 1);
    assert_eq!(sample(&client, &format!("basalt_device_reconnects_total{{{labels}}}")).await, Some(1.0));
    second.stop().await;
}

#[tokio::test]
async fn metrics_are_for_who_may_look_at_the_machine() {
    let (server, client) = Server::with_client(&[]).await;
    let device = device_at(&client, Protocol::Virtual, 1, json!({})).await;
    server.basalt(&["org", "create", "other"]).await.expect_success();
    let device = device.to_string();
    for (name, args, expected) in [
        ("system:read", vec!["--scope", "system:read"], 200),
        ("another_scope", vec!["--scope", "device:read"], 403),
        ("one_device", vec!["--scope", "system:read", "--device", &device], 403),
        ("another_organization", vec!["--scope", "system:read", "--org", "other"], 403),
    ] {
        let key = server.create_key(&args).await;
        client.with_key(&key).get("/metrics").await.about(&name).expect(expected);
    }
    client.without_key().get("/metrics").await.expect(401);
    client.with_key("bslt_wrong").get("/metrics").await.expect(401);
    let open = Server::start(&[("BASALT_METRICS__PUBLIC", "true")]).await;
    let page = open.client().without_key().get("/metrics/").await.ok();
    assert!(page.as_str().is_some_and(|page| page.contains("basalt_build_info{version=")), "{page}");
}
