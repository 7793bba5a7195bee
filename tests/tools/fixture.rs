//! A server with both doors open, and a plant of which a key sees all or one stream.

use serde_json::json;

use super::wire::PgClient;
use crate::support::Server;

/// Values of each stream, a minute apart.
pub const MINUTES: usize = 120;

/// A server and what is in it.
pub struct ToolsFixture {
    pub server: Server,
    /// Sees the stream 1 and its rows only.
    pub restricted: String,
}

/// Variables that open both doors on free ports.
pub const LISTEN_ENV: [(&str, &str); 2] =
    [("BASALT_PG_LISTEN", "127.0.0.1:0"), ("BASALT_FLIGHT_LISTEN", "127.0.0.1:0")];

impl ToolsFixture {
    /// Three streams of a device: two of numbers, one of texts; the second is `hidden`.
    pub async fn new(env: &[(&str, &str)]) -> ToolsFixture {
        let (server, client) = Server::with_client(&[&LISTEN_ENV, env].concat()).await;
        let device = json!({"name": "plant", "protocol": "virtual", "poll_interval": null});
        let device = client.post("/api/device/", &device).await.created();
        for (name, kind) in [("speed", "fp64"), ("hidden", "fp64"), ("state", "text")] {
            let stream = json!({"name": name, "device": device["id"], "type": kind, "unit": "rpm"});
            client.post("/api/data/", &stream).await.created();
        }
        client.ingest("application/x-ndjson", rows()).await.ok();
        let restricted = server.create_key(&["--data", "1"]).await;
        ToolsFixture { server, restricted }
    }

    /// Returns the fixture and a connection with the key that sees all.
    pub async fn with_client(env: &[(&str, &str)]) -> (ToolsFixture, PgClient) {
        let fixture = ToolsFixture::new(env).await;
        let pg = fixture.connect().await;
        (fixture, pg)
    }

    /// A connection with the key that sees all.
    pub async fn connect(&self) -> PgClient {
        PgClient::connect(&self.server.pg_address(), self.key()).await.unwrap()
    }

    pub fn key(&self) -> &str {
        &self.server.key
    }

    /// Revokes the newest key.
    pub async fn revoke_newest(&self) {
        let listed = self.server.basalt(&["key", "list"]).await.expect_success();
        let ids = listed.lines().filter_map(|line| line.split_whitespace().next()?.parse::<i32>().ok());
        let newest = ids.max().expect("a key").to_string();
        self.server.basalt(&["key", "revoke", &newest]).await.expect_success();
    }
}

fn rows() -> String {
    let mut lines = String::new();
    for minute in 0..MINUTES {
        let ts = format!("2026-04-28T{:02}:{:02}:00.25Z", 10 + minute / 60, minute % 60);
        let (speed, state) = (minute as f64 / 8.0, if minute % 2 == 0 { "on" } else { "it's off" });
        lines += &format!("{}\n", json!({"stream_id": 1, "ts": ts, "value": speed}));
        lines += &format!("{}\n", json!({"stream_id": 2, "ts": ts, "value": -777.5}));
        lines += &format!("{}\n", json!({"stream_id": 3, "ts": ts, "text": state}));
    }
    lines
}
