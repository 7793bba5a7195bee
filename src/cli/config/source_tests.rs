//! Tests of the keys that have changed between two readings of a configuration.

use super::*;

fn loaded(toml: &str) -> LoadedConfig {
    let layers = vec![Layer::from_toml("basalt.toml", toml).expect("TOML")];
    LoadedConfig::from_layers(Config::default(), layers).expect("valid")
}

#[test]
fn changed_keys_are_those_whose_values_differ() {
    let old = "listen = \"127.0.0.1:1\"\n[limits]\nquery_timeout = \"60s\"\ndevices = 5\n[mk]\njwt_secret = \"0123456789abcdef0123456789abcdef\"";
    let rows: [(&str, &str, &[&str]); 6] = [
        ("nothing", old, &[]),
        (
            "order_and_spelling",
            "listen = \"127.0.0.1:1\"\n[mk]\njwt_secret = \"0123456789abcdef0123456789abcdef\"\n[limits]\ndevices = \"5\"\nquery_timeout = \"1m\"",
            &[],
        ),
        ("a_default_written_out", &format!("{old}\n[log]\nlevel = \"info\""), &[]),
        ("a_value", &old.replace("devices = 5", "devices = 6"), &["limits.devices"]),
        (
            "keys_come_and_go",
            "listen = \"127.0.0.1:1\"\n[flush]\nage = \"5s\"",
            &["flush.age", "limits.devices", "mk.jwt_secret"],
        ),
        ("a_secret", &old.replace("0123", "4567"), &["mk.jwt_secret"]),
    ];
    for (name, new, expected) in rows {
        assert_eq!(loaded(old).changed_keys(&loaded(new)), expected, "{name}");
    }
}

#[test]
fn only_what_is_taken_changes() {
    let old = loaded("listen = \"127.0.0.1:1\"\n[limits]\ndevices = 5\nstreams = 6");
    let new = loaded("listen = \"127.0.0.1:2\"\n[limits]\nstreams = 7");
    let next = old.with(&new, |key| key == "limits.streams");
    let limits = next.config.limits.organization;
    assert_eq!((next.config.listen.port(), limits.devices, limits.streams), (1, 5, 7));
    assert_eq!(next.changed_keys(&new), ["limits.devices", "listen"], "the rest still waits");
}

#[test]
fn a_named_file_has_to_be_there() {
    let missing = Path::new("/nowhere/basalt.toml");
    let message = read_file(&ConfigFile::Named(missing)).err().expect("missing").to_string();
    assert!(message.contains("/nowhere/basalt.toml"), "{message}");
    assert!(read_file(&ConfigFile::Ignored).expect("nothing to read").is_none());
}
