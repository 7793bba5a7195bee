//! Provisioning: a token for a device, a certificate for the token, and the end of both.

use std::sync::Arc;
use std::time::Duration;

use basalt::domain::Clock;
use basalt::domain::time::SystemClock;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{self, RootCertStore};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::{Caller, NO_RATE, Platform};
use crate::support::{Answer, rows};

const TOKENS: &str = "/api/v1/devices/registration/tokens";
const PROVISION: &str = "/api/v1/devices/provision";
const UNKNOWN: &str = "11111111-1111-4111-8111-111111111111";

/// A platform whose devices are told where the broker is.
async fn start() -> Platform {
    Platform::start_with(&[NO_RATE, ("BASALT_MQTT__HOST", "mqtt.plant.example")]).await
}

impl Platform {
    /// A token for a device with this name.
    async fn token(&self, name: &str) -> Value {
        self.admin.send("POST", TOKENS, &json!({ "deviceName": name })).await.created()
    }

    /// Sends a certificate request with a token, and no credential.
    async fn provision(&self, token: &Value, csr: &str) -> Answer {
        let body = json!({"token": token, "csr": csr});
        Caller::anonymous(&self.client).send("POST", PROVISION, &body).await
    }
}

/// A request made by OpenSSL (tests/data/csr/make.sh).
fn csr(name: &str) -> String {
    let path = format!("{}/tests/data/csr/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn fields(answer: &Value) -> Vec<String> {
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| format!("{}: {}", text(&error["field"]), text(&error["message"]))).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[tokio::test]
async fn a_device_gets_its_certificate_as_the_vendor_prints_it() {
    let fleet = start().await;
    let issued = fleet.token("warehouse-gateway-01").await;
    let device = text(&issued["deviceId"]);
    let members: Vec<_> = issued.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members.len(), 5, "{members:?}");
    assert_eq!(issued["deviceName"], "warehouse-gateway-01");
    assert_eq!(text(&issued["provisionEndpoint"]), format!("{}{PROVISION}", fleet.server.url));
    let parts: Vec<_> = text(&issued["token"]).split('.').collect();
    assert_eq!((parts.len(), parts[1], parts[2].len()), (3, device, 43));

    let listed = fleet.admin.get(TOKENS).await;
    let expected = json!({
        "content": [{
            "id": parts[0], "deviceId": device, "deviceName": "warehouse-gateway-01", "status": "PENDING",
            "expiresAt": issued["expiresAt"], "createdAt": listed["content"][0]["createdAt"],
        }],
        "page": {"size": 20, "number": 0, "totalElements": 1, "totalPages": 1},
    });
    listed.is(200, &expected);

    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key).unwrap();
    let body = BASE64_STANDARD.encode(request.der());
    let request = format!("-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n");
    let provisioned = fleet.provision(&issued["token"], &request).await;
    let provisioned = provisioned.with_header("location", &format!("/api/v1/devices/{device}")).created();
    let organization = text(&provisioned["organizationId"]);
    let expected = json!({
        "deviceId": device, "organizationId": organization, "certificate": provisioned["certificate"],
        "caCertificate": provisioned["caCertificate"], "serialNumber": provisioned["serialNumber"],
        "expiresAt": provisioned["expiresAt"],
        "mqtt": {
            "host": "mqtt.plant.example", "port": 8883, "clientId": device,
            "readingsTopic": format!("v1/readings/{organization}/{device}"),
            "gatewayTopic": format!("v1/gateways/{organization}/{device}"),
        },
    });
    assert_eq!(provisioned, expected);

    let certificate = CertificateDer::from_pem_slice(text(&provisioned["certificate"]).as_bytes()).unwrap();
    let (_, read) = X509Certificate::from_der(&certificate).unwrap();
    assert_eq!(read.subject().to_string(), format!("CN={device}, O={organization}"));
    assert_eq!(hex::encode(read.raw_serial()), text(&provisioned["serialNumber"]));
    let days = (read.validity().not_after.timestamp() - read.validity().not_before.timestamp()) / 86_400;
    assert_eq!(days, 365);
    check_trusted(&certificate, text(&provisioned["caCertificate"]));

    fleet.provision(&issued["token"], &request).await.has(409, json!({"title": "Conflict"}));
    assert_eq!(fleet.admin.get(TOKENS).await["content"], json!([]));
}

/// The verifier of a TLS listener accepts the certificate of a client.
fn check_trusted(certificate: &CertificateDer<'_>, authorities: &str) {
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
        roots.add(authority.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let now = Duration::from_micros(SystemClock.now().0.unsigned_abs());
    verifier.verify_client_cert(certificate, &[], UnixTime::since_unix_epoch(now)).expect("it is trusted");
}

#[tokio::test]
async fn keys_of_every_supported_kind_are_certified_also_by_a_rotated_authority_and_others_refused() {
    let fleet = start().await;
    for name in ["rsa-2048", "rsa-4096-sha512", "p256", "p384", "p384-sha256", "ed25519", "new-header"] {
        let issued = fleet.token(name).await;
        let answer = fleet.provision(&issued["token"], &csr(name)).await.about(&name).created();
        let certificate = CertificateDer::from_pem_slice(text(&answer["certificate"]).as_bytes()).unwrap();
        check_trusted(&certificate, text(&answer["caCertificate"]));
    }
    let issued = fleet.token("refused").await;
    let refused = rows![
        "rsa-1024"; "rsa-2048-sha1"; "rsa-2048-md5"; "p256-sha1"; "p521"; "secp256k1"; "ed448"; "dsa-2048";
        "wrong-signature";
    ];
    let refused =
        refused.into_iter().map(csr).chain(["no request".to_owned(), csr("p256").replace("REQUEST", "")]);
    for request in refused {
        let answer = fleet.provision(&issued["token"], &request).await;
        let answer = answer.with_header("content-type", "application/problem+json");
        let invalid = json!({"detail": "Invalid certificate signing request", "/errors/0/field": "csr"});
        answer.has(400, invalid);
    }
    let answer = fleet.provision(&issued["token"], &csr("asks-for-ca")).await;
    let answer = answer.about("no refusal has used the token up").created();
    let certificate = CertificateDer::from_pem_slice(text(&answer["certificate"]).as_bytes()).unwrap();
    assert!(!X509Certificate::from_der(&certificate).unwrap().1.is_ca());

    let first = fleet.token("first").await;
    let first = fleet.provision(&first["token"], &csr("p256")).await.body;
    let shown = fleet.server.basalt(&["ca", "show"]).await.expect_success();
    assert_eq!(shown.lines().count(), 2, "{shown}");
    let rotated = fleet.server.basalt(&["ca", "rotate"]).await.expect_success();
    assert!(rotated.contains("CN=Basalt device authority 2"), "{rotated}");
    let second = fleet.token("second").await;
    let second = fleet.provision(&second["token"], &csr("p256")).await.body;
    assert_ne!(first["caCertificate"], second["caCertificate"]);
    for provisioned in [&first, &second] {
        let certificate =
            CertificateDer::from_pem_slice(text(&provisioned["certificate"]).as_bytes()).unwrap();
        check_trusted(&certificate, text(&second["caCertificate"]));
    }
}

#[tokio::test]
async fn tokens_and_bodies_that_are_not_valid_are_refused() {
    let fleet = start().await;
    let issued = fleet.token("d").await;
    let secret = text(&issued["token"]).rsplit('.').next().unwrap();
    for token in [json!("x"), json!(format!("{UNKNOWN}.{UNKNOWN}.{secret}"))] {
        let answer = fleet.provision(&token, &csr("p256")).await.with_header("www-authenticate", "Bearer");
        answer.has(401, json!({"detail": "Invalid registration token", "instance": PROVISION}));
    }
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (path, body, expected) in rows![
        PROVISION, json!({}), vec!["token: must not be blank", "csr: must not be blank"];
        PROVISION, json!({"token": " ", "csr": "x"}), vec!["token: must not be blank"];
        TOKENS, json!({}), vec!["deviceName: must not be blank"];
        TOKENS, json!({"deviceName": "  "}), vec!["deviceName: must not be blank"];
        TOKENS, json!({"deviceName": " ", "siteId": nobody, "deviceProfileId": nobody, "tags": ["a", ""]}),
            vec!["deviceName: must not be blank", "tags[1]: must not be blank", "siteId: does not exist",
                 "deviceProfileId: does not exist"];
        TOKENS, json!({"deviceName": "a", "expiresInSeconds": 59}), vec!["expiresInSeconds: must be between 60 and 604800"];
        TOKENS, json!({"deviceName": "a", "expiresInSeconds": 604_801}), vec!["expiresInSeconds: must be between 60 and 604800"];
    ] {
        let answer = fleet.admin.send("POST", path, &body).await.expect(400);
        assert_eq!(text(&answer["detail"]), "Validation failed", "{path} {body}");
        assert_eq!(fields(&answer), expected, "{path} {body}");
    }
    for (path, body) in [
        (PROVISION, json!({"token": 1, "csr": "x"})),
        (PROVISION, json!([])),
        (TOKENS, json!({"deviceName": 1})),
        (TOKENS, json!({"deviceName": "a", "expiresInSeconds": "60"})),
        (TOKENS, Value::Null),
    ] {
        let json_type = [("content-type", "application/json")];
        let answer = fleet.admin.send_with("POST", path, &json_type, &body).await;
        answer.has(400, json!({"detail": "Malformed request body"}));
    }
    let long = json!({"token": issued["token"], "csr": "x".repeat(65 << 10)});
    Caller::anonymous(&fleet.client).send("POST", PROVISION, &long).await.expect(413);
}

#[tokio::test]
async fn a_name_is_registered_again_until_it_has_a_certificate_and_by_each_organization() {
    let fleet = start().await;
    let (first, second) = (fleet.token("d").await, fleet.token("d").await);
    assert_eq!(first["deviceId"], second["deviceId"]);
    let answer = fleet.provision(&first["token"], &csr("p256")).await;
    answer.about("the second token has replaced it").expect(409);
    fleet.provision(&second["token"], &csr("p256")).await.created();
    fleet.admin.send("POST", TOKENS, &json!({"deviceName": "d"})).await.expect(409);
    let revoke = format!("/api/v1/devices/{}/certificate/revoke", text(&second["deviceId"]));
    for _ in 0..2 {
        let answer = fleet.admin.send("POST", &revoke, &Value::Null).await;
        answer.about("repeating it changes nothing").expect(204);
    }
    let third = fleet.token("d").await;
    let withdraw = format!("{TOKENS}/{}", text(&third["token"]).split('.').next().unwrap());
    fleet.admin.delete_once(&withdraw).await;
    fleet.provision(&third["token"], &csr("p256")).await.expect(409);
    let answer = fleet.admin.send("POST", &revoke, &Value::Null).await;
    answer.about("the new token has ended the revoked certificate").expect(404);

    let issued = fleet.token("e").await;
    let device = text(&issued["deviceId"]).to_owned();
    let withdraw = format!("{TOKENS}/{}", text(&issued["token"]).split('.').next().unwrap());
    let revoke = format!("/api/v1/devices/{device}/certificate/revoke");
    let (withdraw, revoke) = (withdraw.as_str(), revoke.as_str());
    let foreign = fleet.stranger().await;
    for (caller, method, path, body, expected) in [
        (&foreign, "DELETE", withdraw, &Value::Null, 404),
        (&foreign, "POST", revoke, &Value::Null, 404),
        (&foreign, "POST", TOKENS, &json!({"deviceName": "e"}), 201),
        (&fleet.admin, "POST", revoke, &Value::Null, 404),
        (&fleet.admin, "DELETE", "/api/v1/devices/registration/tokens/abc", &Value::Null, 400),
    ] {
        caller.send(method, path, body).await.expect(expected);
    }
    let listed = foreign.get(TOKENS).await.body;
    assert_eq!(listed["page"]["totalElements"], 1);
    assert_ne!(listed["content"][0]["deviceId"], device.as_str());
}

#[tokio::test]
async fn of_concurrent_uses_of_a_token_one_wins_and_it_outlives_a_crash() {
    let mut fleet = start().await;
    let issued = fleet.token("d").await;
    let request = csr("p256");
    let uses = (0..8).map(|_| fleet.provision(&issued["token"], &request));
    let mut statuses: Vec<_> =
        futures::future::join_all(uses).await.into_iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
    fleet.server.crash().await;
    fleet.provision(&issued["token"], &request).await.expect(409);
}
