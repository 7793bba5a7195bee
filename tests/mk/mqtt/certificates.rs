//! Certificates that open no session, those that open one of another organization, and what a session says of its device.

use basalt::domain::Micros;
use rcgen::{DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, date_time_ymd};

use super::*;
use crate::graphql;

/// Name of the authority of an installation.
const AUTHORITY_NAME: &str = "Basalt device authority";

/// A certificate by the authority of this installation that is valid until the end of a year, and its key. The server has
/// not given it to anybody: it is made with the authority's own key.
fn forge(plant: &Plant, last_year: i32) -> (String, Vec<u8>) {
    let pem = std::fs::read(plant.platform.server.data_dir.path().join("ca.key")).unwrap();
    let key = KeyPair::try_from(&PrivateKeyDer::from_pem_slice(&pem).unwrap()).unwrap();
    let mut authority = CertificateParams::default();
    authority.distinguished_name = DistinguishedName::new();
    authority.distinguished_name.push(DnType::CommonName, AUTHORITY_NAME);
    let issuer = Issuer::new(authority, key);
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, plant.device.id.as_str());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(last_year, 12, 31));
    let own = KeyPair::generate().unwrap();
    let made = BASE64_STANDARD.encode(params.signed_by(&own, &issuer).unwrap().der());
    let made = format!("-----BEGIN CERTIFICATE-----\n{made}\n-----END CERTIFICATE-----\n");
    (made, own.serialize_der())
}

#[tokio::test]
async fn a_certificate_that_has_expired_or_was_not_issued_opens_no_session_and_one_of_others_stays_in_theirs()
{
    let plant = Plant::start().await;
    for (name, last_year, expected) in [("expired", 2024, None), ("not_issued", 2040, Some(0x87))] {
        let (certificate, key) = forge(&plant, last_year);
        let tls = connector(&plant.device.authority, Some((&certificate, &key)));
        let Identity { id, authority, readings, gateway, .. } = &plant.device;
        let (id, authority) = (id.clone(), authority.clone());
        let forged = Identity { id, tls, authority, readings: readings.clone(), gateway: gateway.clone() };
        let connected = plant.try_connect(&forged, as_device(&forged, Version::V5)).await;
        assert_eq!(connected.err(), Some(expected), "{name}");
    }
    // The device itself is let in all the while.
    plant.connect(Version::V5).await;

    let stranger = plant.platform.stranger().await;
    let theirs = provision(&stranger, "press-1").await;
    let mine = &plant.device;
    let as_mine = Connect { client_id: mine.id.clone(), ..as_device(&theirs, Version::V5) };
    assert_eq!(plant.try_connect(&theirs, as_mine).await.err(), Some(Some(0x85)), "a client id of mine");
    let connect = async |device: &Identity| {
        let connected = plant.try_connect(device, as_device(device, Version::V5)).await;
        connected.unwrap_or_else(|end| panic!("{end:x?}"))
    };
    let reading = json!({"sensorId": "temperature", "timestamp": "2026-04-28T12:00:00Z", "value": 21.5});
    for topic in [&mine.readings, &format!("{}/status", mine.gateway), &format!("basalt/{}/t", mine.id)] {
        let outcome = connect(&theirs).await.publish(topic, reading.to_string(), 1).await;
        assert!(matches!(outcome, Ok(0x87) | Err(Some(0x87))), "{topic}: {outcome:x?}");
    }
    let mut watcher = connect(&theirs).await;
    for (filter, expected) in [
        (mine.readings.clone(), 0x87),
        (format!("{}/#", mine.gateway), 0x87),
        (format!("basalt/{}/#", mine.id), 0x87),
        ("basalt/#".to_owned(), 1),
    ] {
        assert_eq!(watcher.subscribe(&[(&filter, 1)]).await, [expected], "{filter}");
    }
    // What the wildcard shows: the value of its own organization that comes after mine.
    let mut client = plant.connect(Version::V5).await;
    assert_eq!(client.publish(&mine.readings, reading.to_string(), 1).await, Ok(0));
    let own = json!({"sensorId": "temperature", "timestamp": "2026-04-28T12:00:00Z", "value": 1.5});
    assert_eq!(watcher.publish(&theirs.readings, own.to_string(), 1).await, Ok(0));
    let shown: Value = serde_json::from_slice(&watcher.take_message().await.payload).unwrap();
    assert_eq!(shown["value"], 1.5, "{shown}");
}

#[tokio::test]
async fn every_interface_shows_when_a_device_was_heard_of_last() {
    let plant = Plant::start().await;
    let (admin, id) = (&plant.platform.admin, &plant.device.id);
    let path = format!("/api/v1/devices/{id}");
    assert_eq!(admin.get(&path).await["lastSeenAt"], Value::Null);
    let mut client = plant.connect(Version::V5).await;
    let time = |value: &Value| Micros::parse(value.as_str().unwrap_or_default());
    let first = time(&admin.get(&path).await["lastSeenAt"]);
    assert!(first.is_some());
    client.ping().await;
    client.disconnect(0).await;
    plant.wait_for_status("OFFLINE").await;

    let shown = time(&admin.get(&path).await["lastSeenAt"]);
    assert!(shown > first, "{first:?}, then {shown:?}");
    let rest = &plant.platform.client;
    let query = format!("SELECT last_seen FROM devices WHERE uuid = '{id}'");
    let by_sql = rest.sql(&query).await[0]["last_seen"].clone();
    let query = "{ devices(first: 1) { nodes { status { lastSeen } } } }";
    let answer = graphql::data(rest, query, json!({})).await;
    let by_graphql = &answer["devices"]["nodes"][0]["status"]["lastSeen"];
    let listed = rest.get("/api/device/").await.body;
    for (name, found) in [("SQL", &by_sql), ("GraphQL", by_graphql), ("REST", &listed[0]["last_seen"])] {
        assert_eq!(time(found), shown, "{name}: {found}");
    }
}
