//! The WebSocket and its actions.

use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{CLIENT, NOON_S, Project, message, text};

/// How long the server may take for what it tells.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(60);

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// A frame of the server, or its close.
#[derive(Debug, PartialEq)]
enum SocketEvent {
    Frame(Value),
    Closed(u16),
}

impl Socket {
    /// Opens one; fails with the status and body of a refusal.
    async fn open(url: &str, path: &str) -> Result<Socket, (u16, Value)> {
        match connect_async(format!("{}{path}", url.replacen("http", "ws", 1))).await {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(Error::Http(answer)) => {
                let body = answer.body().as_deref().unwrap_or_default();
                Err((answer.status().as_u16(), serde_json::from_slice(body).unwrap_or_default()))
            }
            Err(error) => panic!("{error}"),
        }
    }

    async fn follow(project: &Project) -> Socket {
        let path = format!("/wss?project=default&access_token={}", project.token);
        Socket::open(&project.server.url, &path).await.expect("it upgrades")
    }

    async fn receive(&mut self) -> SocketEvent {
        loop {
            let message =
                tokio::time::timeout(RECEIVE_TIMEOUT, self.0.next()).await.expect("it says something");
            match message {
                Some(Ok(Message::Text(text))) => {
                    return SocketEvent::Frame(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Close(frame))) => {
                    return SocketEvent::Closed(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return SocketEvent::Closed(1006),
            }
        }
    }

    /// The next frame, whose action this is: its payload.
    async fn payload(&mut self, action: &str) -> Value {
        match self.receive().await {
            SocketEvent::Frame(frame) if frame["action"] == action => {
                assert_eq!(frame.as_object().map(|members| members.len()), Some(2), "{frame}");
                frame["payload"].clone()
            }
            other => panic!("{action} is expected: {other:?}"),
        }
    }
}

#[tokio::test]
async fn who_may_follow_a_project() {
    let project = Project::start().await;
    project.foreign_token("elsewhere").await;
    let (url, token) = (&project.server.url, &project.token);
    let missing = |names: &[&str]| {
        let mistake = |name: &&str| json!({"msg": "Invalid value", "param": name, "location": "query"});
        json!({"errors": names.iter().map(mistake).collect::<Vec<_>>()})
    };
    let rows = [
        ("/wss".to_owned(), 400, missing(&["project", "access_token"])),
        (format!("/wss?access_token={token}"), 400, missing(&["project"])),
        (format!("/?access_token={token}"), 400, missing(&["project"])),
        ("/wss?project=default".to_owned(), 400, missing(&["access_token"])),
        // The start page has no WebSocket: an upgrade there is for this one, whatever is missing.
        ("/".to_owned(), 400, missing(&["project", "access_token"])),
        ("/?project=default".to_owned(), 400, missing(&["access_token"])),
        ("/?project=default&access_token=".to_owned(), 400, missing(&["access_token"])),
        ("/wss?project=default&access_token=".to_owned(), 400, missing(&["access_token"])),
        ("/wss?project=default&access_token=abc.def.ghi".to_owned(), 401, message("Unauthorized")),
        (format!("/wss?project=elsewhere&access_token={token}"), 403, message("Forbidden")),
        (format!("/?project=nothing&access_token={token}"), 403, message("Forbidden")),
    ];
    for (path, status, body) in rows {
        assert_eq!(Socket::open(url, &path).await.err().expect("it is refused"), (status, body), "{path}");
    }
    for path in ["/wss?project=default", "/WSS/?project=Default", "/?project=default"] {
        let opened = Socket::open(url, &format!("{path}&access_token={token}")).await;
        let mut opened = opened.unwrap_or_else(|refusal| panic!("{path}: {refusal:?}"));
        // A client that leaves gets a close frame.
        opened.0.close(None).await.expect("it is open");
        assert_eq!(opened.receive().await, SocketEvent::Closed(1005), "{path}");
    }
    let plain = project.server.client().without_key();
    let answer = plain.get(&format!("/?access_token={token}&project=default")).await;
    answer.about("without an upgrade it is the page").ok();
    plain.get(&format!("/wss?access_token={token}&project=default")).await.is(400, &message("Bad Request"));
}

#[tokio::test]
async fn data_and_answers_are_told_as_rest_shows_them() {
    let (project, gateway, sub) = Project::with_gateway().await;
    let (mut one, mut two) = (Socket::follow(&project).await, Socket::follow(&project).await);
    let client = project.server.client();
    let stream = json!({"name": "data", "device": project.native_id(&sub).await});
    let stream = client.post("/api/data/", &stream).await.created();
    let value = json!({"timestamp": NOON_S, "value": 81});
    client.post(&format!("/api/data/{}/value/", stream["id"]), &value).await;
    let page = project.get(&format!("/device/v1/devices/{sub}/data")).await.body;
    for socket in [&mut one, &mut two] {
        assert_eq!(socket.payload("data").await, page["data"][0]);
    }
    let fact = json!({"id": "sensor", "t": NOON_S + 1, "s1_id": "data", "s1_v": 82});
    client.post("/ingest/facts", &fact).await;
    let page = project.get(&format!("/device/v1/devices/{sub}/data")).await.body;
    assert_eq!((&one.payload("data").await, &page["data"][0]["data"]), (&page["data"][0], &fact));

    let path = format!("/device/v1/control/{gateway}/status");
    let headers = project.call("POST", &path, &Value::Null).await.headers;
    let waiting = client.get("/api/command/?state=pending").await.body;
    let result = format!("/api/command/{}/result/", text(&waiting[0]["uuid"]));
    client.post(&result, &json!({"state": "acknowledged"})).await;
    client.post(&result, &json!({"state": "done", "result": {"type": "data"}})).await;
    let fetched = project.get(headers["location"].to_str().unwrap()).await.body;
    assert_eq!(one.payload("status").await, fetched);
}

#[tokio::test]
async fn a_session_of_a_gateway() {
    let (project, gateway, sub) = Project::with_gateway().await;
    let mut socket = Socket::follow(&project).await;
    let installed = json!({
        "event": "installation_succeded", "dt_install": 1, "protocol": "knx", "protocolId": "knx", "exitStatus": 0,
        "stdout": "done", "stderr": "", "versions": {"gate": "instathings/gate:1.7.1"}, "newContainers": ["x"],
        "projectId": "another",
    });
    project.report(&gateway, "session", &installed).await;
    let mut event = installed.clone();
    event.as_object_mut().unwrap().remove("event");
    event["installationSuccess"] = json!(true);
    event["projectId"] = json!("default");
    event["deviceId"] = json!(gateway);
    assert_eq!(socket.payload("installation_succeded").await, json!({"event": event}));

    let version = json!({"gate": "instathings/gate:1.7.1"});
    let connected =
        json!({"event": "connected", "version": version, "status": {"ipAddress": "84.220.143.221"}});
    project.report(&gateway, "session", &connected).await;
    let mut first = socket.payload("connected").await;
    let status = first["status"].clone();
    assert!(text(&status["sessionIdentifier"]).len() == 36 && status["timestamp"].is_i64(), "{status}");
    let expected = json!({
        "principalIdentifier": "N/A", "clientId": gateway, "ipAddress": "84.220.143.221", "eventType": "connected",
        "sessionIdentifier": status["sessionIdentifier"], "versionNumber": 0, "timestamp": status["timestamp"],
    });
    assert_eq!(status, expected);
    let list = project.get("/device/v1/devices").await.body;
    let mut shown = list[0].clone();
    shown["status"] = status.clone();
    shown["stats"] = json!({"ingestion": 0});
    assert_eq!(first, shown);
    assert_eq!((&first["protocols"], &first["subDevices"]), (&json!(["knx"]), &json!([sub])));
    first["version"] = version.clone();
    assert_eq!(socket.payload("software_version").await, first);
    assert_eq!(list[0]["status"]["eventType"], "connected");

    let left = json!({"event": "disconnected", "disconnectReason": "MQTT_KEEP_ALIVE_TIMEOUT"});
    project.report(&gateway, "session", &left).await;
    let last = socket.payload("disconnected").await;
    let expected = json!({
        "principalIdentifier": "N/A", "clientId": gateway, "eventType": "disconnected", "versionNumber": 0,
        "sessionIdentifier": status["sessionIdentifier"], "timestamp": last["status"]["timestamp"],
        "disconnectReason": "MQTT_KEEP_ALIVE_TIMEOUT", "clientInitiatedDisconnect": false,
    });
    assert_eq!((&last["status"], &last["version"]), (&expected, &version));
    assert_eq!(last.get("plan"), None);
    let failed = json!({"event": "installation_failed", "protocol": "automations", "exitStatus": 1});
    project.report(&gateway, "session", &failed).await;
    let event = socket.payload("installation_failed").await["event"].clone();
    assert_eq!((&event["installationSuccess"], &event["newContainers"]), (&json!(false), &json!([])));
}

#[tokio::test]
async fn pairing_of_a_device_until_its_end() {
    let (project, gateway, sub) = Project::with_gateway().await;
    let shown = project.get(&format!("/device/v1/devices/{sub}")).await.body;
    let mut socket = Socket::follow(&project).await;
    let payload = |action: &str| {
        json!({
            "projectId": "default", "ts": shown["ts"], "status": {"eventType": action}, "parentDevice": gateway,
            "id": sub, "env": "live", "isGateway": false, "name": "sensor",
        })
    };
    // From before the first: on a busy machine it may be read when the other has come too.
    let searched = Instant::now();
    project.report(&sub, "session", &json!({"event": "discovering"})).await;
    project.report(&sub, "session", &json!({"event": "paired"})).await;
    assert_eq!(socket.payload("discovering").await, payload("discovering"));
    assert_eq!(socket.payload("paired").await, payload("paired"));
    assert!(searched.elapsed() > Duration::from_millis(700), "{:?}", searched.elapsed());
    assert_eq!(project.get(&format!("/device/v1/devices/{sub}")).await["status"]["eventType"], "paired");
    project.call("DELETE", &format!("/device/v1/devices/{gateway}"), &Value::Null).await.ok();
    assert_eq!(socket.payload("not_paired").await, payload("not_paired"));
}

#[tokio::test]
async fn lines_of_logs_come_together() {
    let (project, gateway, _) = Project::with_gateway().await;
    let mut socket = Socket::follow(&project).await;
    let line = |n: i64| json!({"timestamp": NOON_S * 1000 + n, "type": "LOG", "message": n.to_string()});
    for n in 0..3 {
        project.report(&gateway, "log", &json!({"container": "gate", "lines": [line(n)]})).await;
    }
    let expected = json!({"logs": [line(0), line(1), line(2)], "deviceId": gateway, "containerName": "gate"});
    assert_eq!(socket.payload("log").await, expected);
}

#[tokio::test]
async fn a_connection_ends_with_its_token() {
    let project = Project::start_with(&[("BASALT_INSTATHINGS__TOKEN_TTL", "5")]).await;
    let mut expiring = Socket::follow(&project).await;
    assert_eq!(expiring.receive().await, SocketEvent::Closed(4401));
    let token = super::token(&project.server.client(), CLIENT, super::SECRET).await;
    let path = format!("/wss?project=default&access_token={token}");
    let mut revoked = Socket::open(&project.server.url, &path).await.expect("it upgrades");
    project.server.basalt(&["client", "revoke", CLIENT]).await.expect_success();
    assert_eq!(revoked.receive().await, SocketEvent::Closed(4401));
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let mut project = Project::start().await;
    let mut socket = Socket::follow(&project).await;
    project.server.stop().await;
    assert_eq!(socket.receive().await, SocketEvent::Closed(1001));
}
