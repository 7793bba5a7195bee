//! Devices of the platform over MQTT: from the registration token to the revoked certificate.

mod certificates;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::FutureExt;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::firmware::upload;
use super::{Caller, NO_RATE, Platform, id};
use crate::support::{free_port, until, with};
use crate::tools::mqtt::{BOTH, Connect, End, MqttClient, Publish, Version, Will};

/// Long enough for anything that must come, on a busy machine too.
const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// A platform with a broker, and one provisioned device.
struct Plant {
    platform: Platform,
    address: String,
    device: Identity,
}

/// Credentials and topics of a device after its provisioning.
struct Identity {
    id: String,
    tls: TlsConnector,
    /// Certificate of the platform's authority, PEM.
    authority: String,
    readings: String,
    gateway: String,
}

impl Plant {
    async fn start() -> Plant {
        let address = format!("127.0.0.1:{}", free_port());
        let env = [NO_RATE, ("BASALT_MQTT__TLS_LISTEN", &address), ("BASALT_MQTT__HOST", "127.0.0.1")];
        let platform = Platform::start_with(&env).await;
        let device = provision(&platform.admin, "press-1").await;
        Plant { platform, address, device }
    }

    async fn try_connect(&self, device: &Identity, connect: Connect) -> Result<MqttClient, End> {
        let socket = TcpStream::connect(&self.address).await.expect("it listens");
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = device.tls.connect(name, socket).await.map_err(|_| None)?;
        MqttClient::connect_over(stream, &connect).await
    }

    async fn connect(&self, version: Version) -> MqttClient {
        let connected = self.try_connect(&self.device, as_device(&self.device, version)).await;
        connected.unwrap_or_else(|end| panic!("{version:?}: {end:x?}"))
    }

    /// A client that shows a key and no certificate.
    async fn connect_with_key(&self, version: Version, key: &str) -> MqttClient {
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let socket = TcpStream::connect(&self.address).await.expect("it listens");
        let stream = connector(&self.device.authority, None).connect(name, socket).await.unwrap();
        let connected = MqttClient::connect_over(stream, &Connect::new(version, "service", key)).await;
        connected.unwrap_or_else(|end| panic!("{version:?}: {end:x?}"))
    }

    /// Waits until the device has a status.
    async fn wait_for_status(&self, expected: &str) {
        let path = format!("/api/v1/devices/{}", self.device.id);
        until!(expected, EVENT_TIMEOUT; self.platform.admin.get(&path).await["status"] == expected);
    }
}

/// How a connection ends whose client publishes to a topic with QoS 1.
async fn end_after(mut client: MqttClient, topic: &str) -> End {
    match client.publish(topic, "{}", 1).await {
        Ok(0x87) => client.end().await,
        Ok(code) => panic!("{topic}: acknowledged with {code:#x}"),
        Err(end) => end,
    }
}

/// A clean session without a key: the certificate says who it is.
fn as_device(device: &Identity, version: Version) -> Connect {
    Connect { user: None, password: None, ..Connect::new(version, &device.id, "") }
}

/// Registers a device and gets its certificate, as the device would.
async fn provision(admin: &Caller, name: &str) -> Identity {
    let path = "/api/v1/devices/registration/tokens";
    let token = admin.send("POST", path, &json!({ "deviceName": name })).await.created();
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key).unwrap();
    let request = BASE64_STANDARD.encode(request.der());
    let request =
        format!("-----BEGIN CERTIFICATE REQUEST-----\n{request}\n-----END CERTIFICATE REQUEST-----\n");
    let body = json!({ "token": token["token"], "csr": request });
    let anonymous = Caller::anonymous(&admin.client);
    let made = anonymous.send("POST", "/api/v1/devices/provision", &body).await.created();
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text in {made}")).to_owned();
    let authority = text(&made["caCertificate"]);
    Identity {
        id: text(&made["deviceId"]),
        tls: connector(&authority, Some((&text(&made["certificate"]), &key.serialize_der()))),
        authority,
        readings: text(&made["mqtt"]["readingsTopic"]),
        gateway: text(&made["mqtt"]["gatewayTopic"]),
    }
}

/// Trusts an authority, and shows a certificate (PEM) with its key (DER) if there is one.
fn connector(authority: &str, own: Option<(&str, &[u8])>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for known in CertificateDer::pem_slice_iter(authority.as_bytes()) {
        roots.add(known.unwrap()).unwrap();
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let config = match own {
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            builder.with_client_auth_cert(chain, PrivateKeyDer::try_from(key.to_vec()).unwrap()).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn a_device_provisions_itself_and_works_over_mqtt_until_it_is_revoked() {
    let plant = Plant::start().await;
    let (admin, device) = (&plant.platform.admin, &plant.device);
    plant.wait_for_status("PENDING").await;
    let mut client = plant.connect(Version::V5).await;
    plant.wait_for_status("ACTIVE").await;

    // A reading creates its sensor, and is there by every interface once it is acknowledged.
    let reading = json!({"sensorId": "temperature", "timestamp": "2026-04-28T12:00:00Z", "value": 21.5});
    assert_eq!(client.publish(&device.readings, reading.to_string(), 1).await, Ok(0));
    let sensors = admin.get(&format!("/api/v1/sensors?deviceId={}", device.id)).await.body;
    let sensor = &sensors["content"][0];
    assert_eq!((&sensor["key"], &sensor["lastValue"]), (&json!("temperature"), &json!(21.5)), "{sensors}");
    let latest = admin.get(&format!("/api/v1/readings/sensor/{}/latest", id(sensor))).await.body;
    assert_eq!((&latest["value"], &latest["timestamp"]), (&reading["value"], &reading["timestamp"]));
    assert_eq!(plant.platform.client.sql("SELECT value FROM readings").await, [json!({ "value": 21.5 })]);
    let messages = plant.platform.client.sql("SELECT payload FROM messages").await;
    assert!(messages.is_empty(), "a reading is no message: {messages:?}");

    // What is refused is acknowledged once and in quarantine.
    assert_eq!(client.publish(&device.readings, "no reading", 1).await.map(|code| code < 0x80), Ok(true));
    admin.get("/api/v1/admin/quarantine").await.has(200, json!({"/content/0/reason": "MALFORMED"}));
    let null = json!({"sensorId": "temperature", "timestamp": "2026-04-28T12:00:01Z", "value": null});
    assert_eq!(client.publish(&device.readings, null.to_string(), 1).await.map(|code| code < 0x80), Ok(true));
    let list = admin.get("/api/v1/admin/quarantine").await;
    list.has(200, json!({"/content/0/reason": "MALFORMED", "/content/0/payload/sensorId": "temperature"}));

    let health = json!({"uptimeSeconds": 7, "firmwareVersion": "1.2.0"});
    assert_eq!(client.publish(&format!("{}/health", device.gateway), health.to_string(), 0).await, Ok(0));
    client.ping().await;
    let path = format!("/api/v1/devices/{}/health", device.id);
    let shown = until!("its health", EVENT_TIMEOUT; shown = admin.get(&path).await; shown.status == 200);
    assert_eq!(shown["uptimeSeconds"], 7, "{shown}");

    // The session ends with the certificate, which opens no other.
    let path = format!("/api/v1/devices/{}/certificate/revoke", device.id);
    assert_eq!(admin.status("POST", &path, &Value::Null).await, 204);
    assert_eq!(timeout(EVENT_TIMEOUT, client.end()).await.expect("the session ends"), Some(0x98));
    assert!(plant.try_connect(device, as_device(device, Version::V5)).await.is_err());
    plant.wait_for_status("OFFLINE").await;
}

#[tokio::test]
async fn a_device_is_offline_after_a_crash_until_it_connects() {
    let mut plant = Plant::start().await;
    // A clean session, of which nothing is left.
    let client = plant.connect(Version::V5).await;
    plant.wait_for_status("ACTIVE").await;
    plant.platform.server.crash().await;
    drop(client);
    let path = format!("/api/v1/devices/{}", plant.device.id);
    let admin = Caller::new(&plant.platform.server.client(), super::KEY);
    admin.get(&path).await.has(200, json!({"status": "OFFLINE"}));
    let client = plant.connect(Version::V5).await;
    until!("ACTIVE", EVENT_TIMEOUT; admin.get(&path).await["status"] == "ACTIVE");
    client.disconnect(0).await;
}

#[tokio::test]
async fn a_device_is_sent_its_commands_and_answers_them() {
    let plant = Plant::start().await;
    let (admin, device) = (&plant.platform.admin, &plant.device);
    let path = format!("/api/v1/devices/{}/commands", device.id);
    for version in [Version::V311, Version::V5] {
        let mut client = plant.connect(version).await;
        assert_eq!(client.subscribe(&[(&format!("{}/commands", device.gateway), 1)]).await, [1]);
        let command = admin.create(&path, json!({"type": "REBOOT", "params": {"delay": 3}})).await;
        let message = client.take_message().await;
        let sent: Value = serde_json::from_slice(&message.payload).unwrap();
        assert_eq!(message.topic, format!("{}/commands", device.gateway));
        let expected = json!({
            "id": command["id"], "method": "REBOOT", "params": {"delay": 3}, "timestamp": command["createdAt"],
        });
        assert_eq!(sent, expected);
        let mut states = Vec::new();
        for (status, more) in [("ACKNOWLEDGED", json!({})), ("SUCCESS", json!({"result": {"ok": true}}))] {
            let answer = with(json!({"id": command["id"], "status": status}), more);
            let topic = format!("{}/commands/response", device.gateway);
            assert_eq!(client.publish(&topic, answer.to_string(), 1).await, Ok(0), "{status}");
            let shown = admin.get(&format!("{path}/{}", id(&command))).await.body;
            states.push(shown["status"].clone());
        }
        assert_eq!(states, ["ACKNOWLEDGED", "SUCCESS"]);
        client.disconnect(0).await;
    }
}

#[tokio::test]
async fn a_device_is_told_of_its_firmware_and_fetches_it() {
    let plant = Plant::start().await;
    let (admin, device) = (&plant.platform.admin, &plant.device);
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    let texts = [("name", "press"), ("version", "2.0.0")];
    let firmware = upload(admin, &texts, Some(&bytes), &[]).await.created();
    let mut client = plant.connect(Version::V5).await;
    let path = format!("/api/v1/devices/{}/commands", device.id);
    let body = json!({"type": "UPDATE_FIRMWARE", "params": {"firmwareId": id(&firmware)}});
    let command = admin.create(&path, body).await;
    let shown = command["params"]["downloadUrl"].as_str().unwrap_or_default();
    assert!(shown.ends_with("/api/v1/firmware/download"), "no token is shown: {command}");
    assert_eq!(client.subscribe(&[(&format!("{}/commands", device.gateway), 1)]).await, [1]);
    let sent: Value = serde_json::from_slice(&client.take_message().await.payload).unwrap();
    assert_eq!((&sent["id"], &sent["method"]), (&command["id"], &json!("UPDATE_FIRMWARE")));
    assert_eq!(sent["params"]["firmwareId"], firmware["id"]);
    assert_eq!(sent["params"]["sha256"], firmware["sha256"]);
    // The device has nothing but the address, and its connection is cut once.
    let address = sent["params"]["downloadUrl"].as_str().unwrap();
    let fetch = async |range: &str| {
        let response = reqwest::Client::new().get(address).header("range", range).send().await.unwrap();
        (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
    };
    let (status, mut received) = fetch("bytes=0-40000").await;
    assert_eq!((status, received.len()), (206, 40_001));
    let (status, rest) = fetch("bytes=40001-").await;
    received.extend(rest);
    assert_eq!((status, received == bytes), (206, true));
    assert_eq!(hex::encode(Sha256::digest(&received)), firmware["sha256"].as_str().unwrap());
    // What names a firmware that is gone has failed, and its address leads nowhere.
    client.disconnect(0).await;
    let body =
        json!({"type": "UPDATE_FIRMWARE", "params": {"firmwareId": id(&firmware)}, "timeoutSeconds": 600});
    let waiting = admin.create(&path, body).await;
    let firmware = format!("/api/v1/firmware/{}", id(&firmware));
    assert_eq!(admin.status("DELETE", &firmware, &Value::Null).await, 204);
    admin.get(&format!("{path}/{}", id(&waiting))).await.has(200, json!({"status": "FAILED"}));
    assert_eq!(fetch("bytes=0-").await.0, 404);
}

#[tokio::test]
async fn a_device_is_sent_its_desired_configuration_and_shows_its_documents() {
    let plant = Plant::start().await;
    let device = &plant.device;
    let offline = Will::new(&format!("{}/status", device.gateway), r#"{"status":"offline"}"#);
    let connect = as_device(device, Version::V5).with_will(Will { is_retained: true, ..offline });
    let mut client = plant.try_connect(device, connect).await.unwrap_or_else(|end| panic!("{end:x?}"));
    assert_eq!(client.subscribe(&[(&format!("{}/config/desired", device.gateway), 1)]).await, [1]);
    let desired = client.take_message().await;
    assert!(desired.is_retained, "it answers the subscription");
    let desired: Value = serde_json::from_slice(&desired.payload).unwrap();
    assert_eq!(desired["artefacts"], json!([]), "nothing is bound yet: {desired}");

    // A service of the organization, which has a key and no certificate, sees the documents of its devices.
    let mut service = plant.connect_with_key(Version::V5, &plant.platform.server.key).await;
    assert_eq!(service.subscribe(&[(&format!("v1/gateways/{}/+/status", plant.platform.org), 1)]).await, [1]);
    let online =
        Publish::new(&format!("{}/status", device.gateway), r#"{"status":"online"}"#, 1, 9).retained();
    assert_eq!(client.send_publish(&online).await, Ok(0));
    assert_eq!(service.take_message().await.text(), r#"{"status":"online"}"#);
    client.cut();
    assert_eq!(service.take_message().await.text(), r#"{"status":"offline"}"#, "the will");
    plant.wait_for_status("OFFLINE").await;

    // Who subscribes later is shown the last of each.
    let mut again = plant.connect(Version::V5).await;
    assert_eq!(again.subscribe(&[(&format!("{}/#", device.gateway), 1)]).await, [1]);
    let mut shown = Vec::new();
    for _ in 0..2 {
        let message = again.take_message().await;
        shown.push((message.topic.rsplit('/').next().unwrap_or_default().to_owned(), message.is_retained));
    }
    shown.sort();
    assert_eq!(shown, [("desired".to_owned(), true), ("status".to_owned(), true)]);
}

#[tokio::test]
async fn a_device_reaches_no_topic_of_another() {
    let plant = Plant::start().await;
    let other = provision(&plant.platform.admin, "press-2").await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    let mine = plant.device.gateway.clone();
    let foreign = [
        other.readings.clone(),
        format!("{}/status", other.gateway),
        format!("{}/commands/response", other.gateway),
        plant.device.readings.replace(&plant.platform.org, nobody),
        format!("{mine}/commands"),
        format!("{mine}/config/desired"),
    ];
    // A key of another organization reaches none of them either.
    plant.platform.server.basalt(&["org", "create", "elsewhere"]).await.expect_success();
    let key = plant.platform.server.create_key(&["--org", "elsewhere"]).await;
    for topic in foreign {
        for version in BOTH {
            let expected = (version == Version::V5).then_some(0x87);
            let end = end_after(plant.connect(version).await, &topic).await;
            assert_eq!(end, expected, "{topic}, {version:?}");
            let end = end_after(plant.connect_with_key(version, &key).await, &topic).await;
            assert_eq!(end, expected, "with a key: {topic}, {version:?}");
        }
    }
    let mut client = plant.connect(Version::V5).await;
    for (filter, expected) in [
        (format!("{}/#", other.gateway), 0x87),
        (format!("v1/readings/{nobody}/#"), 0x87),
        (format!("{mine}/#"), 1),
        ("v1/#".to_owned(), 1),
        ("#".to_owned(), 1),
    ] {
        assert_eq!(client.subscribe(&[(&filter, 1)]).await, [expected], "{filter}");
    }
}

/// Security review 10: silent connections took the places of handshakes, 10 s each.
#[tokio::test]
async fn connections_that_say_nothing_hold_no_place_for_a_handshake() {
    let plant = Plant::start().await;
    let mut silent = Vec::new();
    for _ in 0..80 {
        silent.push(TcpStream::connect(&plant.address).await.unwrap());
    }
    plant.connect(Version::V5).await.ping().await;
    for socket in &mut silent {
        let mut byte = [0];
        // One that was let go of would have made room.
        assert!(socket.read(&mut byte).now_or_never().is_none(), "it is still open");
    }
}
