//! Which settings change at run time.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::*;
use crate::cli::config::{LakeConfig, MqttConfig};

fn files(names: Option<&str>) -> TlsFiles {
    let path = |suffix: &str| names.map(|name| PathBuf::from(format!("{name}.{suffix}")));
    TlsFiles { cert: path("pem"), key: path("key") }
}

fn with_tls(names: Option<&str>) -> Config {
    Config { tls: files(names), ..Config::default() }
}

/// A configuration of the broker: the port of its listener with TLS, the files of its certificate, and its host.
fn with_mqtt((port, names, host): (Option<u16>, Option<&str>, Option<&str>)) -> Config {
    let tls_listen = port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let mqtt =
        MqttConfig { tls_listen, tls: files(names), host: host.map(str::to_owned), ..MqttConfig::default() };
    Config { mqtt, ..Config::default() }
}

#[test]
fn listeners_keep_or_lack_tls_until_a_restart() {
    let rows = [
        ("other_files", Some("a"), Some("b"), true),
        ("tls_for_the_first_time", None, Some("b"), false),
        ("no_tls_any_more", Some("a"), None, false),
    ];
    for (name, old, new, expected) in rows {
        for key in ["http.tls_cert", "http.tls_key"] {
            assert_eq!(is_live(key, &with_tls(old), &with_tls(new)), expected, "{name}");
        }
    }
    let config = Config::default();
    let lake = LakeConfig { keep_removed: Duration::from_secs(7), ..config.lake.clone() };
    let longer = Config { lake, ..config.clone() };
    assert!(
        is_live("limits.query_timeout", &config, &config)
            && !is_live("limits.query_timeout", &config, &longer)
    );
    assert!(is_live("log.level", &config, &config));
    assert!(!is_live("listen", &config, &config) && !is_live("log.format", &config, &config));
}

#[test]
fn the_broker_keeps_or_lacks_a_certificate_of_its_own_until_a_restart() {
    let before = (Some(1), Some("a"), None);
    let rows = [
        ("other_files", before, (Some(1), Some("b"), None), true),
        ("at_another_port", before, (Some(2), Some("b"), None), true),
        ("the_first_pair", (Some(1), None, None), (Some(1), Some("b"), None), false),
        ("no_pair_any_more", before, (Some(1), None, None), false),
        ("no_listener", (None, Some("a"), None), (None, Some("b"), None), false),
        ("a_new_listener", (None, Some("a"), None), (Some(1), Some("b"), None), false),
        ("no_listener_any_more", before, (None, Some("b"), None), false),
        ("for_another_host", before, (Some(1), Some("b"), Some("plant")), false),
    ];
    for (name, old, new, expected) in rows {
        for key in ["mqtt.tls_cert", "mqtt.tls_key"] {
            assert_eq!(is_live(key, &with_mqtt(old), &with_mqtt(new)), expected, "{name}");
        }
    }
}
