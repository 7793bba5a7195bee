//! What goes between nodes: for nodes only, and nothing of other organizations.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::ingest::NDJSON;
use crate::rest::stream_of;
use crate::support::{Client, Cluster};

/// A proxy that keeps what the owner says.
async fn recorder(owner: String) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (heard, kept) = (Arc::<Mutex<Vec<u8>>>::default(), Arc::clone);
    let recorded = kept(&heard);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (owner, recorded) = (owner.clone(), recorded.clone());
            tokio::spawn(async move {
                let owner = TcpStream::connect(owner).await.unwrap();
                let ((mut from_client, mut to_client), (mut from_owner, mut to_owner)) =
                    (client.into_split(), owner.into_split());
                tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_owner).await });
                let mut bytes = vec![0; 64 * 1024];
                while let Ok(n @ 1..) = from_owner.read(&mut bytes).await {
                    recorded.lock().extend_from_slice(&bytes[..n]);
                    if to_client.write_all(&bytes[..n]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, heard)
}

async fn write(client: &Client, stream: i64, text: &str) {
    let line = json!({"stream_id": stream, "ts": 1_777_377_600, "text": text}).to_string();
    let (status, _, answer) = client.ingest(NDJSON, line).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn what_others_have_leaves_no_node() {
    let cluster = Cluster::start(&[("BASALT_FLUSH__AGE", "1h")]).await;
    let (address, heard) = recorder(cluster.listen().to_owned()).await;
    let node = cluster.query_node(&[("BASALT_CLUSTER__OWNER", &address)]).await;
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
    assert_eq!(
        node.client().with_key(&other).sql("SELECT text FROM readings").await,
        [json!({"text": "their-marked-text"})]
    );
    assert!(is_heard("their-marked-text"), "once they ask themselves");
}

#[tokio::test]
async fn who_is_no_node_is_told_nothing() {
    let cluster = Cluster::start(&[]).await;
    let url = format!("http://{}", cluster.listen());
    let body = json!({"org": 1, "newest": true, "states": true});
    let stranger = Client::new(&url, &cluster.ingest.key);
    for client in [stranger.without_key(), stranger] {
        let (status, _, answer) = client.post("/cluster/tail", &body).await;
        assert_eq!(status, 401, "{answer}");
    }
    let (status, _, answer) = cluster.ingest.client().post("/cluster/tail", &body).await;
    assert_eq!(status, 404, "it is no route of other listeners: {answer}");
}
