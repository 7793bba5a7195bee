//! The sockets of the vendors' APIs tell nothing of other organizations.

use std::time::Duration;

use basalt::domain::Principal;
use futures::StreamExt;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::doors::DoorFixture;
use super::fixture::SECRET;
use super::identifiers::Identifiers;
use crate::in_process::{MINUTE, NOW};

const RECEIVE_TIMEOUT: Duration = Duration::from_secs(60);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a socket; the status where it is refused.
async fn open(url: &str) -> Result<Socket, u16> {
    match connect_async(url).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{url}: {error}"),
    }
}

async fn receive(socket: &mut Socket) -> String {
    loop {
        let message = tokio::time::timeout(RECEIVE_TIMEOUT, socket.next()).await.expect("it says something");
        match message {
            Some(Ok(Message::Text(text))) => return text.to_string(),
            Some(Ok(_)) => {}
            ended => panic!("the socket has ended: {ended:?}"),
        }
    }
}

impl DoorFixture {
    /// Stores a message of each of these devices, in this order.
    async fn tell(&self, of: &[(&Principal, &Identifiers)], word: &str) {
        for (who, device) in of {
            let client = self.key(who).await;
            let seconds = (NOW - MINUTE) / 1_000_000;
            let fact = json!({"id": device.in_body("{external}"), "t": seconds, "s": word});
            client.post("/ingest/facts", &fact).await.ok();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_socket_of_a_project_tells_only_of_that_project() {
    let fixture = DoorFixture::new().await;
    let token = fixture.instathings(&fixture.third).await;
    let url = |project: &str| {
        format!("ws://{}/wss?project={project}&access_token={token}", fixture.client.address())
    };
    // Of another project, of one that does not exist, and by the name of the other: all are alike.
    for project in ["default", "other", "nobody", "zebra%20org"] {
        assert_eq!(open(&url(project)).await.err(), Some(403), "{project}");
    }
    let mut socket = open(&url("third")).await.expect("it upgrades");
    let [(_, owner), (_, other)] = fixture.world.others();
    let of = [
        (&owner, &fixture.hidden[0]),
        (&other, &fixture.foreign[0]),
        (&owner, &fixture.own),
        (&fixture.third, &fixture.of_third),
    ];
    fixture.tell(&of, SECRET).await;
    fixture.tell(&of[3..], "last").await;
    // The first frames are those of its own device, although others came before.
    for word in [SECRET, "last"] {
        let frame = receive(&mut socket).await;
        assert!(frame.contains(&fixture.of_third.in_body("{key}")), "{frame}");
        assert!(frame.contains(word), "{frame}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_socket_of_the_gateway_tells_only_of_its_organization() {
    let fixture = DoorFixture::new().await;
    let url = format!("ws://{}/socket.io/?EIO=3&transport=websocket", fixture.onpremise.address());
    let mut socket = open(&url).await.expect("it upgrades");
    assert!(receive(&mut socket).await.starts_with('0'));
    assert_eq!(receive(&mut socket).await, "40");
    let [(_, owner), (_, other)] = fixture.world.others();
    let of = [(&other, &fixture.foreign[0]), (&fixture.third, &fixture.of_third), (&owner, &fixture.own)];
    fixture.tell(&of, "told").await;
    // Three events of the one device of this organization.
    for _ in 0..3 {
        let event = receive(&mut socket).await;
        for (_, others) in &of[..2] {
            assert!(!event.contains(&others.in_body("{key}")), "{event}");
        }
        assert!(!event.contains(SECRET) && event.starts_with("42["), "{event}");
    }
}
