//! Tests of which configurations of nodes are valid, and of the keys that errors name.

use std::time::Duration;

use super::*;
use crate::cli::config::Config;
use crate::cli::config::TlsFiles;
use crate::cli::config::cluster_check::check;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Applies keys to the defaults.
fn configured(settings: &[(&str, &str)]) -> Config {
    let mut config = Config::default();
    for (name, value) in settings {
        let known = KEYS.iter().find(|known| known.name == *name);
        let set = known.expect(name).set;
        set(&mut config, value).unwrap_or_else(|| panic!("{name} = {value}"));
    }
    config
}

/// With the storage that nodes share.
fn shared(settings: &[(&str, &str)]) -> Config {
    let mut config = configured(settings);
    config.catalog_url = Some("postgres://u:p@db/plant".to_owned());
    config.lake.url = Some("s3://plant/basalt".to_owned());
    config
}

fn fields(config: &Config) -> Vec<String> {
    let error = check(config).err();
    error.map_or_else(Vec::new, |error| error.fields.iter().map(|f| f.field.to_string()).collect())
}

#[test]
fn a_query_node_names_everything_that_it_lacks() {
    let owner = [
        ("cluster.role", "query"),
        ("cluster.secret", SECRET),
        ("cluster.owner", "https://ingest.example:8002"),
        ("cluster.owner_http", "https://ingest.example:8000/"),
    ];
    assert_eq!(fields(&shared(&owner)), [""; 0]);
    assert_eq!(fields(&configured(&owner)), ["catalog.url", "lake.url"]);
    assert_eq!(
        fields(&configured(&[("cluster.role", "query")])),
        ["catalog.url", "lake.url", "cluster.secret", "cluster.owner", "cluster.owner_http"]
    );
    let mut sqlite = shared(&owner);
    sqlite.catalog_url = Some("sqlite://plant.db".to_owned());
    assert_eq!(fields(&sqlite), ["catalog.url"]);
    assert_eq!(fields(&Config::default()), [""; 0], "one node needs nothing");
}

#[test]
fn an_ingest_node_names_everything_that_it_lacks() {
    let role = ("cluster.role", "ingest");
    let needed = ["catalog.url", "lake.url", "cluster.secret", "cluster.listen"];
    assert_eq!(fields(&configured(&[role])), needed);
    let settings = [role, ("cluster.secret", SECRET), ("cluster.listen", "127.0.0.1:8002")];
    assert_eq!(fields(&shared(&settings)), [""; 0]);
    assert_eq!(fields(&shared(&settings[..2])), ["cluster.listen"]);
    assert_eq!(fields(&configured(&settings)), ["catalog.url", "lake.url"], "each once");
    let mut short = shared(&settings);
    short.lake.keep_removed = Duration::from_secs(59);
    assert_eq!(fields(&short), ["lake.keep_removed"]);
    let message = check(&configured(&[role])).expect_err("it lacks all").message;
    for part in
        ["cluster.role = \"ingest\"", "postgres://", "s3://BUCKET/PREFIX", "file:///", "127.0.0.1:8002"]
    {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
}

#[test]
fn the_listener_for_nodes_is_protected_and_keeps_the_files_of_queries() {
    let loopback = shared(&[("cluster.listen", "127.0.0.1:8002"), ("cluster.secret", SECRET)]);
    assert_eq!(fields(&loopback), [""; 0]);
    let mut short = loopback.clone();
    short.lake.keep_removed = Duration::from_secs(59);
    assert_eq!(fields(&short), ["lake.keep_removed"]);
    let mut open = loopback;
    open.cluster.listen = Some("0.0.0.0:8002".parse().unwrap());
    assert_eq!(fields(&open), ["http.tls_cert"]);
    open.tls = TlsFiles { cert: Some("a".into()), key: Some("b".into()) };
    assert_eq!(fields(&open), [""; 0]);
    let alone = configured(&[("cluster.listen", "127.0.0.1:8002")]);
    assert_eq!(fields(&alone), ["catalog.url", "lake.url", "cluster.secret"]);
    let both = configured(&[("cluster.listen", "127.0.0.1:8002"), ("cluster.role", "query")]);
    assert_eq!(
        fields(&both),
        ["catalog.url", "lake.url", "cluster.secret", "cluster.owner", "cluster.owner_http"],
        "each once"
    );
}

#[test]
fn a_query_node_that_listens_says_where() {
    let node = |settings: &[(&str, &str)]| {
        let owner = [
            ("cluster.role", "query"),
            ("cluster.secret", SECRET),
            ("cluster.owner", "https://ingest.example:8002"),
            ("cluster.owner_http", "https://ingest.example:8000"),
        ];
        let mut config = shared(&[&owner[..], settings].concat());
        // Only the ingest node removes files.
        config.lake.keep_removed = Duration::from_secs(1);
        config
    };
    let url = ("cluster.advertise", "https://query1.example:8003");
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);
    let rows: [Case<'_>; 6] = [
        ("loopback", &[("cluster.listen", "127.0.0.1:8003")], &[]),
        ("another_machine", &[("cluster.listen", "10.0.0.6:8003")], &["http.tls_cert"]),
        ("any_port", &[("cluster.listen", "127.0.0.1:0")], &["cluster.advertise"]),
        ("any_address", &[("cluster.listen", "[::]:8003")], &["http.tls_cert", "cluster.advertise"]),
        ("any_port_with_a_url", &[("cluster.listen", "127.0.0.1:0"), url], &[]),
        ("a_url_of_nothing", &[url], &["cluster.advertise"]),
    ];
    for (name, settings, expected) in rows {
        assert_eq!(fields(&node(settings)), expected, "{name}");
    }
    let mut with_tls = node(&[("cluster.listen", "0.0.0.0:8003"), url]);
    with_tls.tls = TlsFiles { cert: Some("a".into()), key: Some("b".into()) };
    assert_eq!(fields(&with_tls), [""; 0]);
    with_tls.cluster.role = NodeRole::All;
    with_tls.cluster.advertise = None;
    assert_eq!(fields(&with_tls), ["lake.keep_removed"], "an ingest node need not be reached by this URL");
}

#[test]
fn the_address_is_advertised_unless_a_url_is_set() {
    let advertised = |settings: &[(&str, &str)], has_tls| {
        configured(settings).cluster.advertised(has_tls).map(|url| url.to_string())
    };
    let url = ("cluster.advertise", "https://query1.example:8003");
    type Case<'a> = (&'a [(&'a str, &'a str)], bool, Option<&'a str>);
    let rows: [Case<'_>; 7] = [
        (&[], false, None),
        (&[("cluster.listen", "127.0.0.1:8003")], false, Some("http://127.0.0.1:8003/")),
        (&[("cluster.listen", "[::1]:8003")], true, Some("https://[::1]:8003/")),
        (&[("cluster.listen", "127.0.0.1:0")], false, None),
        (&[("cluster.listen", "0.0.0.0:8003")], true, None),
        (&[("cluster.listen", "0.0.0.0:8003"), url], true, Some("https://query1.example:8003/")),
        (&[url], true, None),
    ];
    for (settings, has_tls, expected) in rows {
        assert_eq!(advertised(settings, has_tls).as_deref(), expected, "{settings:?}");
    }
}

#[test]
fn long_queries_are_spread_unless_it_is_switched_off() {
    assert!(configured(&[]).cluster.spread);
    assert!(!configured(&[("cluster.spread", "false")]).cluster.spread);
    assert_eq!(configured(&[("cluster.spread_min_rows", "12")]).cluster.spread_min_rows, 12);
}

#[test]
fn secrets_cross_the_network_in_tls_only() {
    let rows = [
        ("http://127.0.0.1:8002", true),
        ("http://[::1]:8002", true),
        ("http://localhost:8002", true),
        ("https://10.0.0.5:8002", true),
        ("http://10.0.0.5:8002", false),
        ("http://ingest.example:8002", false),
    ];
    for (url, is_accepted) in rows {
        for name in ["cluster.owner", "cluster.owner_http", "cluster.advertise"] {
            let expected = if is_accepted { vec![] } else { vec![name.to_owned()] };
            let mut config = shared(&[(name, url), ("cluster.secret", SECRET)]);
            config.cluster.listen = Some("127.0.0.1:8002".parse().unwrap());
            assert_eq!(fields(&config), expected, "{url}");
        }
    }
}

#[test]
fn a_value_that_is_none_is_refused() {
    let rows = [
        ("cluster.role", "owner"),
        ("cluster.role", "Ingest"),
        ("cluster.listen", "8002"),
        ("cluster.advertise", "query1.example:8003"),
        ("cluster.advertise", "https://query1.example/base"),
        ("cluster.spread", "yes"),
        ("cluster.spread_min_rows", "-1"),
        ("cluster.spread_min_rows", "many"),
        ("cluster.owner", "ingest.example:8002"),
        ("cluster.owner", "postgres://ingest.example"),
        ("cluster.owner", "https://ingest.example/base"),
        ("cluster.owner_http", "https://u:p@ingest.example"),
        ("cluster.owner_http", "https://ingest.example/?a=b"),
        ("cluster.secret", "0123456789abcdef0123456789abcde"),
        ("cluster.secret", "0123456789abcdef 0123456789abcdef"),
        ("cluster.ca", ""),
    ];
    for (name, value) in rows {
        let known = KEYS.iter().find(|known| known.name == name).expect(name);
        assert_eq!((known.set)(&mut Config::default(), value), None, "{name} = {value}");
    }
}

#[test]
fn the_secret_is_never_shown() {
    let config = configured(&[("cluster.secret", SECRET)]);
    assert_eq!(config.cluster.secret.as_ref().map(ClusterSecret::expose), Some(SECRET));
    assert!(!format!("{config:?}").contains(SECRET));
    assert!(KEYS.iter().all(|key| key.is_secret == (key.name == "cluster.secret")));
}
