//! Which settings change at run time.

use std::path::PathBuf;

use super::*;
use crate::cli::config::LakeConfig;

fn with_tls(names: Option<&str>) -> Config {
    let path = |suffix: &str| names.map(|name| PathBuf::from(format!("{name}.{suffix}")));
    Config { tls: TlsFiles { cert: path("pem"), key: path("key") }, ..Config::default() }
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
    assert!(is_live("log.level", &config, &config) && is_live("mqtt.tls_cert", &config, &config));
    assert!(!is_live("listen", &config, &config) && !is_live("log.format", &config, &config));
}
