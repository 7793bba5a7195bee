//! Certificates that change while a server runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::json;
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
        Identity::valid_before(4096)
    }

    /// Makes one that expires when a year begins.
    fn valid_before(year: i32) -> Identity {
        let pem = |label: &str, der: &[u8]| {
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
        };
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
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
    let replaced =
        format!("the certificate was replaced setting=\"http.tls_cert\" file={}", files.cert.display());
    until!("the log says so", LIMIT; server.log().contains(&replaced));
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
    let is_shown = metrics.contains("basalt_certificate_expiry_timestamp_seconds{certificate=\"http\"} ");
    assert!(is_shown, "{metrics}");

    files.write(&Identity::valid_before(2020));
    let is_warning =
        |line: &str| line.contains("WARN") && line.contains("was replaced by one that has expired");
    until!("a warning", LIMIT; server.log().lines().any(is_warning));
}

#[tokio::test]
async fn files_that_a_link_or_the_configuration_leads_to_are_used_on_sighup() {
    let [first, renewed, other, later, own, other_own] = [(); 6].map(|()| Identity::new());
    let known = [&first, &renewed, &other, &later, &own, &other_own];
    let home = Arc::new(DataDir::new());
    let put = |dir: &str, identity: &Identity| {
        let dir = home.path().join(dir);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("cert.pem"), &identity.cert_pem).unwrap();
        fs::write(dir.join("key.pem"), &identity.key_pem).unwrap();
    };
    put("1", &first);
    put("2", &renewed);
    put("other", &other);
    put("own", &own);
    put("other_own", &other_own);
    // As certbot and Kubernetes do it: the link to the files is replaced.
    let link_to = |dir: &str| {
        symlink(dir, home.path().join("new")).unwrap();
        fs::rename(home.path().join("new"), home.path().join("live")).unwrap();
    };
    link_to("1");
    let mqtt = format!("127.0.0.1:{}", free_port());
    let configure = |http: &str, own: &str, rest: &str| {
        let pair = |dir: &str| format!("tls_cert = \"{dir}/cert.pem\"\ntls_key = \"{dir}/key.pem\"\n");
        let text = format!("[mqtt]\ntls_listen = \"{mqtt}\"\n{}[http]\n{}{rest}", pair(own), pair(http));
        fs::write(home.path().join("basalt.toml"), text).unwrap();
    };
    configure("live", "own", "tls_check_interval = \"1h\"\n");
    let server = Server::start_alone(home.clone(), &LISTEN_ENV).await;
    let main = server.url.trim_start_matches("http://").to_owned();
    let addresses = Addresses {
        http: vec![main.clone()],
        postgres: server.pg_address(),
        flight: server.flight_address(),
    };
    let show = async |http: &Identity, own: &Identity| {
        addresses.all_show(http, &known).await && shows(&connect(&mqtt, &known).await, own)
    };
    assert!(show(&first, &own).await);
    let client = reqwest::Client::builder().no_proxy().danger_accept_invalid_certs(true).build().unwrap();
    let create = async |name: &str| {
        let request = client.post(format!("https://{main}/api/device/")).header("x-api-key", &server.key);
        let answer = request.json(&json!({"name": name, "protocol": "virtual"})).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(create("first").await.0, 201);

    link_to("2");
    server.signal("HUP");
    until!("what the link leads to", LIMIT; show(&renewed, &own).await);

    configure("other", "other_own", "tls_check_interval = \"20ms\"\n[limits]\ndevices = 1\n");
    server.signal("HUP");
    until!("what the configuration names", LIMIT; show(&other, &other_own).await);
    let (status, text) = create("second").await;
    assert!(status == 403 && text.contains("limits.devices"), "{status} {text}");
    let replaced = "the certificate was replaced setting=\"mqtt.tls_cert\" file=other_own/cert.pem";
    until!("the log names it", LIMIT; server.log().contains(replaced));
    until!("and counts both", LIMIT; server.log().contains("replaced=2 unchanged=0 refused=0"));

    // Without a signal, because the interval is another one too.
    put("other", &later);
    until!("what is written there", LIMIT; show(&later, &other_own).await);
}
