//! Certificates of another configuration, and what commands on the data directory know of them.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

use tempfile::TempDir;

use super::*;
use crate::auth::certificate::test_certificate::listener_certificate;
use crate::cli::config::{MqttConfig, TlsFiles};

/// A directory with pairs of files.
struct Pairs(TempDir);

impl Pairs {
    fn new() -> Pairs {
        Pairs(tempfile::tempdir().expect("a directory"))
    }

    fn files(&self, name: &str) -> TlsFiles {
        let path = |suffix: &str| Some(self.0.path().join(format!("{name}.{suffix}")));
        TlsFiles { cert: path("pem"), key: path("key") }
    }

    fn write(&self, name: &str, cert: &str, key: &str) {
        fs::write(self.0.path().join(format!("{name}.pem")), cert).expect("written");
        fs::write(self.0.path().join(format!("{name}.key")), key).expect("written");
    }

    /// Writes a pair; returns its certificate.
    fn make(&self, name: &str) -> String {
        let (cert, key) = listener_certificate();
        self.write(name, &cert, &key);
        cert
    }

    /// Returns a configuration whose listeners have these pairs.
    fn config(&self, http: &str, mqtt: &str) -> Config {
        let tls_listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let mqtt = MqttConfig { tls_listen, tls: self.files(mqtt), ..MqttConfig::default() };
        Config { tls: self.files(http), mqtt, ..Config::default() }
    }
}

/// Returns what the listeners get, in PEM.
fn in_use(receivers: &CertificateReceivers) -> [Option<String>; 2] {
    let http = receivers.http.as_ref().map(|http| http.borrow().clone());
    [http, receivers.mqtt.borrow().clone()].map(|tls| tls.map(|tls| tls.pem().to_owned()))
}

fn counts(replaced: usize, unchanged: usize) -> CertificateCounts {
    CertificateCounts { replaced, unchanged, refused: 0 }
}

#[tokio::test(start_paused = true)]
async fn another_configuration_replaces_certificates_or_none_of_them() {
    let pairs = Pairs::new();
    let [http, mqtt, other, other_mqtt] =
        ["http", "mqtt", "other", "other_mqtt"].map(|name| Some(pairs.make(name)));
    let (another_cert, (_, another_key)) = (listener_certificate().0, listener_certificate());
    pairs.write("bad", &another_cert, &another_key);
    let mut certificates = ServerCertificates::load(&pairs.config("http", "mqtt")).expect("both");
    let receivers = certificates.receivers();
    let before = [http.clone(), mqtt];
    for (http, mqtt, setting) in [
        ("bad", "other_mqtt", "http.tls_key: "),
        ("other", "bad", "mqtt.tls_key: "),
        ("none", "bad", "http.tls_cert: "),
    ] {
        let error = certificates.prepare(&pairs.config(http, mqtt)).await.err().expect(setting).to_string();
        assert!(error.starts_with(setting), "{error}");
        assert_eq!(in_use(&receivers), before, "{setting}");
        assert_eq!(certificates.read_again(CertificateChange::default()).await, counts(0, 2), "{setting}");
    }

    let change = certificates.prepare(&pairs.config("other", "other_mqtt")).await.expect("both");
    assert_eq!(in_use(&receivers), before, "they are prepared only");
    assert_eq!(certificates.read_again(change).await, counts(2, 0));
    assert_eq!(in_use(&receivers), [other, other_mqtt.clone()]);

    let rows = [
        ("the_same", pairs.config("other", "other_mqtt"), 0),
        ("no_certificates", Config::default(), 0),
        ("one_of_them", pairs.config("http", "other_mqtt"), 1),
    ];
    for (name, config, replaced) in rows {
        let change = certificates.prepare(&config).await.expect(name);
        assert_eq!(certificates.read_again(change).await, counts(replaced, 2 - replaced), "{name}");
    }
    assert_eq!(in_use(&receivers), [http, other_mqtt]);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_published_is_published_by_a_later_look() {
    let (pairs, home) = (Pairs::new(), tempfile::tempdir().expect("a directory"));
    let first = pairs.make("http");
    pairs.make("mqtt");
    let mut certificates = ServerCertificates::load(&pairs.config("http", "mqtt")).expect("both");
    let receivers = certificates.receivers();
    let url = "https://127.0.0.1:8000".to_owned();
    let file = ServerFile { pid: 7, url, token: "t".to_owned(), certificate: Some(first) };
    certificates.publish_with(file, home.path().to_owned(), true);
    let published = || ServerFile::read(home.path()).and_then(|file| file.certificate);
    certificates.look().await;
    assert_eq!(published(), None, "what was published is not published again");

    // A file in the place of the directory.
    fs::write(home.path().join("run"), "").expect("written");
    let second = Some(pairs.make("http"));
    certificates.look().await;
    assert!(in_use(&receivers)[0] == second && published().is_none());
    fs::remove_file(home.path().join("run")).expect("removed");
    certificates.look().await;
    assert_eq!(published(), second);
}

#[tokio::test(start_paused = true)]
async fn a_file_for_which_the_disk_had_no_space_is_published_by_the_next_look() {
    let home = tempfile::tempdir().expect("a directory");
    let mut certificates = ServerCertificates::load(&Config::default()).expect("none");
    let url = "http://127.0.0.1:8000".to_owned();
    let file = ServerFile { pid: 7, url, token: "t".to_owned(), certificate: None };
    certificates.publish_with(file.clone(), home.path().to_owned(), false);
    assert!(ServerFile::read(home.path()).is_none());
    certificates.look().await;
    assert!(ServerFile::read(home.path()) == Some(file));
}
