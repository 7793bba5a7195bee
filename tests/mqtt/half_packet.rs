//! Packets that are begun and do not go on. In process, where the clock of the connections is the test's.

use std::time::Duration;

use basalt::api::mqtt::{MqttOptions, serve};
use basalt::app::access::KeyRequest;
use basalt::app::body_memory::BodyMemoryBudget;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::PATIENCE;
use crate::in_process::TestEnv;
use crate::support::until;
use crate::tools::mqtt::{Connect, MqttClient, Publish, Version};

/// Longer than 100 KiB of a packet may take, and shorter than the silence of clients without a keep alive.
const LATER: Duration = Duration::from_secs(400);
/// The reason of a connection whose client says nothing more.
const KEEP_ALIVE_TIMEOUT: u8 = 0x8D;

fn used_bytes() -> usize {
    BodyMemoryBudget::usage_of_process().used_bytes
}

/// Security review 7: half a packet held its memory for as long as its client liked.
#[tokio::test]
async fn a_packet_that_does_not_go_on_ends_its_connection_alone_and_gives_its_memory_back() {
    let (env, _dir, db) = TestEnv::open_new(1).await;
    let app = db.app();
    let request = KeyRequest { name: "clients".to_owned(), ..KeyRequest::default() };
    let (_, key) = app.access.create_key(&env.owner, &request).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let options = MqttOptions { connections: 8, allow_plaintext: false };
    tokio::spawn(serve(listener, app, options, None, CancellationToken::new()));
    let connect = async |version, id| {
        let hello = Connect { keep_alive_s: 0, ..Connect::new(version, id, &key) };
        MqttClient::connect(&address, &hello).await
    };
    let mut other = connect(Version::V311, "other").await;
    let mut half = connect(Version::V5, "half").await;
    // The queues of all clients reserve in large steps.
    let before = used_bytes();
    let packet = Publish::new("basalt/plant/s1", vec![b' '; 300 << 10], 1, 1).encode(Version::V5);
    half.raw(&packet[..100 << 10]).await;
    until!("its memory is in the account", PATIENCE; used_bytes() >= before + (100 << 10));
    other.ping().await;
    // Paused for this moment only, because sockets are waited for.
    tokio::time::pause();
    tokio::time::advance(LATER).await;
    tokio::time::resume();
    assert_eq!(half.end().await, Some(KEEP_ALIVE_TIMEOUT));
    until!("its memory is given back", PATIENCE; used_bytes() == before);
    other.ping().await;
}
