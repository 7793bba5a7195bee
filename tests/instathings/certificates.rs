//! Certificates of gateways: in archives and as JSON, accepted by whoever trusts the authority.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{Project, message, text};

/// The files of an archive whose files are not compressed.
fn files(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (mut found, mut rest) = (Vec::new(), archive);
    while rest.starts_with(b"PK\x03\x04") {
        let number = |at: usize, bytes: usize| -> usize {
            (0..bytes).map(|i| usize::from(rest[at + i]) << (8 * i)).sum()
        };
        let (size, name, extra) = (number(18, 4), number(26, 2), number(28, 2));
        assert_eq!(number(8, 2), 0, "stored");
        let content = 30 + name + extra;
        let path = String::from_utf8(rest[30..30 + name].to_vec()).unwrap();
        found.push((path, rest[content..content + size].to_vec()));
        rest = &rest[content + size..];
    }
    found
}

#[tokio::test]
async fn a_live_project_gives_archives() {
    let (project, gateway, sub) = Project::with_gateway().await;
    let path = format!("/devices/{gateway}/credentials/certificate");
    let bearer = format!("Bearer {}", project.token);
    let headers = [("authorization", bearer.as_str()), ("accept", "application/zip")];
    let client = project.server.client().without_key();
    let archive = client.send_bytes("POST", &path, &headers, "").await;
    let disposition = format!("attachment; filename=\"device-{gateway}-credentials.zip\"");
    let archive = archive.with_header("content-disposition", &disposition);
    let files = files(&archive.with_header("content-type", "application/zip").ok());
    let names: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    let config =
        ["certificate.pem", "private.key", "awsRootCA1.pem", ".env"].map(|name| format!("config/{name}"));
    assert_eq!(names[..4], config);
    assert_eq!(names[4..], ["install.sh"]);
    let content = |at: usize| String::from_utf8(files[at].1.clone()).unwrap();
    let settings =
        format!("NODE_ENV=production\nHOST=127.0.0.1\nPARENT_DEVICE_ID={gateway}\nPROJECT_ID=default\n");
    assert_eq!(content(3), settings);
    assert!(content(1).starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
    check_handshake(&content(0), &content(1), &content(2)).await;

    let answer = project.call("POST", &format!("/devices/{sub}/credentials/certificate"), &Value::Null).await;
    answer.is(400, &message("Certificates are available for gateways only"));
}

#[tokio::test]
async fn a_sandbox_gives_json_and_every_call_another_certificate() {
    let mut project = Project::start_with(&[("BASALT_INSTATHINGS__ENV", "sandbox")]).await;
    let device = project.device(json!({"name": "wrt5ery", "isGateway": true})).await;
    let id = text(&device["id"]);
    let mut issued = Vec::new();
    for (method, prefix) in [("POST", ""), ("GET", ""), ("POST", "/device/v1")] {
        let path = format!("{prefix}/devices/{id}/credentials/certificate");
        let answer = project.call(method, &path, &Value::Null).await.ok();
        let expected = json!({
            "certificateId": answer["certificateId"], "credentials": answer["credentials"], "demoActive": false,
            "env": "sandbox", "id": id, "isGateway": true, "isVirtual": false, "name": "wrt5ery",
            "projectId": "default", "protocols": [], "subDevices": [], "ts": device["ts"],
        });
        assert_eq!(answer, expected);
        issued.push(answer);
    }
    for (name, label) in
        [("certificatePem", "CERTIFICATE"), ("privateKey", "RSA PRIVATE KEY"), ("publicKey", "PUBLIC KEY")]
    {
        let pem = text(&issued[0]["credentials"][name]);
        assert!(pem.starts_with(&format!("-----BEGIN {label}-----\n")), "{pem}");
        assert!(pem.ends_with(&format!("-----END {label}-----\n")), "{pem}");
    }
    let ids: std::collections::BTreeSet<String> =
        issued.iter().map(|one| text(&one["certificateId"])).collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| id.len() == 64), "{ids:?}");
    for is_restarted in [false, true] {
        if is_restarted {
            project.server.crash().await;
        }
        let shown = project.get(&format!("/device/v1/devices/{id}")).await.body;
        assert_eq!(shown["certificateId"], issued[2]["certificateId"], "{is_restarted}");
    }
    let again =
        project.call("POST", &format!("/devices/{id}/credentials/certificate"), &Value::Null).await.body;
    assert_ne!(again["certificateId"], issued[2]["certificateId"], "the authority outlives the crash");
}

/// A listener that trusts the authority accepts the certificate of a client.
async fn check_handshake(certificate: &str, key: &str, authority: &str) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let pair = || {
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        (vec![certificate], PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
    };
    let (own, own_key) = server_identity();
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![own.clone()], own_key)
        .unwrap();
    let mut trusted = RootCertStore::empty();
    trusted.add(own).unwrap();
    let (chain, key) = pair();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusted)
        .with_client_auth_cert(chain, key)
        .unwrap();
    let (near, far) = tokio::io::duplex(64 << 10);
    let accepting = TlsAcceptor::from(Arc::new(server)).accept(far);
    let connecting = TlsConnector::from(Arc::new(client)).connect("localhost".try_into().unwrap(), near);
    let (accepted, connected) = tokio::join!(accepting, connecting);
    let accepted = accepted.expect("the certificate is accepted");
    connected.expect("the server is trusted");
    assert_eq!(accepted.get_ref().1.peer_certificates().map(<[_]>::len), Some(1));
}

/// The certificate of the tests' own server.
fn server_identity() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let read = |name: &str| {
        let path = format!("{}/tests/data/tls/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
    };
    let certificate = CertificateDer::from_pem_slice(&read("server.pem")).unwrap();
    (certificate, PrivateKeyDer::from_pem_slice(&read("server.key")).unwrap())
}
