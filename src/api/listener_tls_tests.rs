//! Handshakes before and after a certificate is replaced.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::client;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::server;

use super::*;
use crate::api::pinned_certificate::client_config_trusting;
use crate::auth::certificate::test_certificate::listener_certificate;

type Ends = (server::TlsStream<DuplexStream>, client::TlsStream<DuplexStream>);

fn new_tls() -> Tls {
    let (cert, key) = listener_certificate();
    Tls::from_pem(&cert, &key).expect("a certificate")
}

/// A client that trusts both certificates, and could resume what it has begun.
fn client_of(first: &Tls, second: &Tls) -> TlsConnector {
    let later = second.pem().to_owned();
    let config = client_config_trusting(first.pem(), Box::new(move || Some(later.clone())));
    TlsConnector::from(Arc::new(config.expect("a client")))
}

async fn connect(listener: &ListenerTls, client: &TlsConnector) -> Ends {
    let (near, far) = duplex(64 << 10);
    let name = ServerName::try_from("localhost").expect("a name");
    let (served, connected) = tokio::join!(listener.acceptor().accept(near), client.connect(name, far));
    let mut ends = (served.expect("the server agrees"), connected.expect("the client agrees"));
    // With the first bytes the client also gets what it needs to resume.
    exchange(&mut ends).await;
    ends
}

async fn exchange((served, connected): &mut Ends) {
    connected.write_all(b"?").await.expect("sent");
    assert_eq!(served.read_u8().await.expect("it arrives"), b'?');
    served.write_all(b"!").await.expect("sent");
    assert_eq!(connected.read_u8().await.expect("it arrives"), b'!');
}

fn is_shown(ends: &Ends, tls: &Tls) -> bool {
    let shown = ends.1.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let expected = CertificateDer::from_pem_slice(tls.pem().as_bytes()).expect("PEM");
    shown == Some(&expected)
}

#[tokio::test]
async fn a_new_handshake_shows_the_new_certificate_and_an_open_connection_goes_on() {
    let (first, second) = (new_tls(), new_tls());
    let newest = watch::Sender::new(first.clone());
    for make in [ListenerTls::for_http, ListenerTls::for_grpc, ListenerTls::for_postgres] {
        newest.send_replace(first.clone());
        let (listener, client) = (make(&newest.subscribe()), client_of(&first, &second));
        let mut open = connect(&listener, &client).await;
        assert!(is_shown(&open, &first));
        newest.send_replace(second.clone());
        // The client knows a session of the first certificate: it is not resumed.
        let later = connect(&listener, &client).await;
        assert!(is_shown(&later, &second));
        exchange(&mut open).await;
    }
}

#[tokio::test]
async fn a_local_command_trusts_what_is_published_and_nothing_else() {
    let (first, second) = (new_tls(), new_tls());
    let newest = watch::Sender::new(second.clone());
    let listener = ListenerTls::for_http(&newest.subscribe());
    for (published, is_trusted) in [(Some(&second), true), (Some(&first), false), (None, false)] {
        let pem = published.map(|tls| tls.pem().to_owned());
        let config = client_config_trusting(first.pem(), Box::new(move || pem.clone())).expect("a client");
        let (near, far) = duplex(64 << 10);
        let name = ServerName::try_from("localhost").expect("a name");
        let client = TlsConnector::from(Arc::new(config));
        let (_, connected) = tokio::join!(listener.acceptor().accept(near), client.connect(name, far));
        assert_eq!(connected.is_ok(), is_trusted);
    }
}
