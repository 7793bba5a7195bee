//! Certificates and settings that change while a server runs.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertificateParams, KeyPair};
use rustix::fs::{Mode, OFlags, open};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::fixture::LISTEN_ENV;
use crate::support::{DataDir, Server, free_port, until};

const LIMIT: Duration = Duration::from_secs(60);

/// Asks a PostgreSQL server for TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// A certificate for localhost, signed by itself, and its key.
struct Identity {
    certificate: CertificateDer<'static>,
    cert_pem: String,
    key_pem: String,
}

impl Identity {
    fn new() -> Identity {
        let pem = |label: &str, der: &[u8]| {
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
        };
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let (cert_pem, key_pem) =
            (pem("CERTIFICATE", &certificate), pem("PRIVATE KEY", &key.serialize_der()));
        Identity { certificate, cert_pem, key_pem }
    }
}

/// A directory with the files of a certificate, which a server there is configured to use.
struct Files {
    home: Arc<DataDir>,
    cert: PathBuf,
    key: PathBuf,
}

impl Files {
    fn new(identity: &Identity) -> Files {
        let home = Arc::new(DataDir::new());
        let (cert, key) = (home.path().join("cert.pem"), home.path().join("key.pem"));
        let files = Files { home, cert, key };
        files.write(identity);
        files
    }

    fn write(&self, identity: &Identity) {
        fs::write(&self.cert, &identity.cert_pem).unwrap();
        fs::write(&self.key, &identity.key_pem).unwrap();
    }

    async fn start(&self, env: &[(&str, &str)]) -> Server {
        let (cert, key) = (self.cert.display().to_string(), self.key.display().to_string());
        let own = [("BASALT_HTTP__TLS_CERT", cert.as_str()), ("BASALT_HTTP__TLS_KEY", key.as_str())];
        Server::start_alone(self.home.clone(), &[&own, env].concat()).await
    }
}

/// Connects with TLS, in a session of its own, to a server that shows one of these certificates.
async fn connect(address: &str, known: &[&Identity]) -> TlsStream<TcpStream> {
    connect_over(TcpStream::connect(address).await.unwrap(), known, &[]).await
}

async fn connect_over(socket: TcpStream, known: &[&Identity], alpn: &[&[u8]]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    known.iter().for_each(|identity| roots.add(identity.certificate.clone()).unwrap());
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap()
}

fn shows(stream: &TlsStream<TcpStream>, identity: &Identity) -> bool {
    stream.get_ref().1.peer_certificates().unwrap().first() == Some(&identity.certificate)
}

/// The listeners of a server, by what each speaks before and in TLS.
struct Addresses {
    http: Vec<String>,
    postgres: String,
    flight: String,
}

impl Addresses {
    async fn all_show(&self, identity: &Identity, known: &[&Identity]) -> bool {
        for address in &self.http {
            if !shows(&connect(address, known).await, identity) {
                return false;
            }
        }
        let mut socket = TcpStream::connect(&self.postgres).await.unwrap();
        socket.write_all(&SSL_REQUEST).await.unwrap();
        assert_eq!(socket.read_u8().await.unwrap(), b'S');
        let postgres = connect_over(socket, known, &[]).await;
        let socket = TcpStream::connect(&self.flight).await.unwrap();
        let flight = connect_over(socket, known, &[b"h2"]).await;
        shows(&postgres, identity) && shows(&flight, identity)
    }
}

/// Sends a request of HTTP/1.1 on a connection that stays open; returns its answer.
async fn get(stream: &mut TlsStream<TcpStream>, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    loop {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "the server has closed");
        let text = String::from_utf8_lossy(&answer).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split_once("content-length: ").unwrap().1;
        if body.len() >= length.lines().next().unwrap().parse::<usize>().unwrap() {
            return text;
        }
    }
}

#[tokio::test]
async fn a_new_certificate_is_used_on_sighup_and_open_connections_go_on() {
    let (old, new, other) = (Identity::new(), Identity::new(), Identity::new());
    let known = [&old, &new, &other];
    let files = Files::new(&old);
    let mqtt = format!("127.0.0.1:{}", free_port());
    let env = [
        ("BASALT_HTTP__TLS_CHECK_INTERVAL", "1h"),
        ("BASALT_MQTT__TLS_LISTEN", mqtt.as_str()),
        ("BASALT_ONPREMISE__ENABLED", "true"),
        ("BASALT_ONPREMISE__PORT", "0"),
        ("BASALT_OPENSYNAPTIC_LISTEN", "127.0.0.1:0"),
    ];
    let server = files.start(&[&LISTEN_ENV[..], &env].concat()).await;
    let main = server.url.trim_start_matches("http://").to_owned();
    let addresses = Addresses {
        http: vec![main.clone(), mqtt, server.onpremise_address(), server.opensynaptic_address()],
        postgres: server.pg_address(),
        flight: server.flight_address(),
    };
    assert!(addresses.all_show(&old, &known).await);
    let mut kept = connect(&main, &known).await;
    assert!(get(&mut kept, "/healthz/").await.starts_with("http/1.1 200"));

    files.write(&new);
    server.signal("HUP");
    until!("every listener shows the new one", LIMIT; addresses.all_show(&new, &known).await);
    assert!(get(&mut kept, "/healthz/").await.starts_with("http/1.1 200"), "the old connection serves on");
    assert!(server.log().contains(&format!(
        "the certificate was replaced setting=\"http.tls_cert\" file={}",
        files.cert.display()
    )));
    let answer = server.basalt(&["sql", "SELECT 40 + 2 AS x", "--format", "csv"]).await;
    assert_eq!(answer.expect_success(), "x\n42\n", "commands trust the new one");

    // A key without its certificate.
    fs::write(&files.key, &other.key_pem).unwrap();
    server.signal("HUP");
    let named =
        format!("`{}` is not the key of the certificate in `{}`", files.key.display(), files.cert.display());
    until!("the files are named", LIMIT; server.log().contains(&named));
    assert!(addresses.all_show(&new, &known).await, "{}", server.log());
    assert!(get(&mut kept, "/healthz/").await.starts_with("http/1.1 200"));
}

#[tokio::test]
async fn a_new_certificate_is_found_without_a_signal() {
    let (old, new) = (Identity::new(), Identity::new());
    let files = Files::new(&old);
    let server =
        files.start(&[("BASALT_HTTP__TLS_CHECK_INTERVAL", "20ms"), ("BASALT_METRICS__PUBLIC", "true")]).await;
    let main = server.url.trim_start_matches("http://").to_owned();
    let mut kept = connect(&main, &[&old]).await;
    assert!(get(&mut kept, "/healthz/").await.starts_with("http/1.1 200"));
    // One file after the other, as an editor or a client of ACME writes them.
    fs::write(&files.cert, &new.cert_pem[..100]).unwrap();
    until!("half a certificate is refused", LIMIT; server.log().contains("holds no certificate in PEM"));
    files.write(&new);
    until!("the new one", LIMIT; shows(&connect(&main, &[&old, &new]).await, &new));
    let metrics = get(&mut kept, "/metrics").await;
    assert!(
        metrics.contains("basalt_certificate_expiry_timestamp_seconds{certificate=\"http\"} "),
        "{metrics}"
    );
}

#[tokio::test]
async fn settings_change_on_sighup_or_wait_for_a_restart() {
    let home = Arc::new(DataDir::new());
    let write = |text: &str| fs::write(home.path().join("basalt.toml"), text).unwrap();
    write("[log]\nlevel = \"warn\"\n[limits]\nquery_rows = 10");
    let server = Server::start_alone(home.clone(), &[]).await;
    let client = server.client();
    let ten = "/sql?q=SELECT+*+FROM+generate_series(1,10)";
    client.get(ten).await.ok();

    write("[flush]\nage = \"7s\"\n[limits]\nquery_rows = 9\n[log]\nlevel = \"info\"");
    server.signal("HUP");
    until!("what waits", LIMIT; server.log().contains("take effect after a restart"));
    let log = server.log();
    let line = |words: &str| log.lines().find(|line| line.contains(words)).unwrap_or_default();
    let (applied, waiting) = (line("was read again and applied"), line("take effect after a restart"));
    assert!(applied.contains("count=2 settings=\"limits.query_rows, log.level\""), "{log}");
    assert!(waiting.contains("count=1 settings=\"flush.age\""), "{log}");
    assert_ne!(client.get(ten).await.status, 200, "ten rows are too many now");

    write("[limits]\nquery_rows = 1\n[log]\nlevel = \"loud\"");
    server.signal("HUP");
    until!("it is refused", LIMIT; server.log().contains("is not used"));
    assert!(server.log().contains("log.level: `loud` (from basalt.toml) is not valid"), "{}", server.log());
    client.get("/sql?q=SELECT+*+FROM+generate_series(1,9)").await.ok();
}

/// Without a reload the signal would end the process at once.
#[tokio::test]
async fn a_closed_terminal_stops_the_server_in_order() {
    let home = DataDir::new();
    let terminal =
        rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).unwrap();
    rustix::pty::unlockpt(&terminal).unwrap();
    let name = rustix::pty::ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    // Without `NOCTTY` it could become the terminal of this process, which would be hung up as well.
    let input = open(name.as_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let log = home.path().join("log");
    let mut command = home.command();
    command.args(["serve", "--listen", "127.0.0.1:0"]).stdin(input).stderr(fs::File::create(&log).unwrap());
    let mut child = command.spawn().unwrap();
    // The command holds the terminal's other side too.
    drop(command);
    let text = || fs::read_to_string(&log).unwrap();
    until!("it answers", LIMIT; text().contains("listening on http"));
    let hang_up = || {
        let pid = child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    };
    hang_up();
    until!("it goes on", LIMIT; text().contains("the certificates were read again"));
    drop(terminal);
    hang_up();
    until!("it stops", LIMIT; text().contains("the terminal is closed"));
    let status = tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0), "{}", text());
}
