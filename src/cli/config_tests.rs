//! Configuration layers, and errors that name the key.

use std::path::Path;

use super::layers::{self, Layer};
use super::*;
use crate::app::instathings::InstathingsSettings;
use crate::app::mk::MkSettings;
use crate::app::mk::provisioning::ProvisioningSettings;
use basalt_fuzz::rows;

fn load(toml: &str, variables: &[(&str, &str)], flags: Vec<ConfigFlag>) -> Result<Config> {
    let mut layers = vec![Layer::from_toml("basalt.toml", toml)?];
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let (known, unknown_variables) = layers::from_environment(variables);
    layers.extend(known);
    layers.extend(flags.into_iter().map(Layer::from_flag));
    let base = Config { unknown_variables, ..Config::default() };
    Ok(LoadedConfig::from_layers(base, layers)?.config)
}

fn listen_flag(value: &str) -> Vec<ConfigFlag> {
    vec![ConfigFlag { key: "listen", name: "--listen", value: value.to_owned() }]
}

#[test]
fn the_later_layer_wins() {
    let toml = r#"listen = "127.0.0.1:1""#;
    let variable = [("BASALT_LISTEN", "127.0.0.1:2")];
    let rows = [
        ("the_default", load("", &[], vec![]), 8000),
        ("the_file", load(toml, &[], vec![]), 1),
        ("a_variable", load(toml, &variable, vec![]), 2),
        ("a_flag", load(toml, &variable, listen_flag("127.0.0.1:3")), 3),
    ];
    for (name, config, port) in rows {
        assert_eq!(config.expect(name).listen.port(), port, "{name}");
    }
}

#[test]
fn every_key_of_the_example_is_one_of_ours_and_the_example_says_the_defaults() {
    let example = include_str!("../../basalt.toml.example");
    for key in keys::all() {
        let line = key.name.rsplit('.').next().expect("a name");
        assert!(example.contains(&format!("{line} = ")), "basalt.toml.example lacks {}", key.name);
    }
    let uncommented: String = example
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line))
        .map(|line| format!("{line}\n"))
        .collect();
    let config = load(&uncommented, &[], vec![]).expect("the example is valid");
    let lake = LakeConfig { url: None, ..config.lake.clone() };
    let ClusterConfig { role, spread, .. } = config.cluster;
    let cluster = ClusterConfig { role, spread, ..ClusterConfig::default() };
    let host = HostSettings { license_path: None, license_key: None, ..config.host.clone() };
    let pg = PgConfig { listen: None, ..config.pg.clone() };
    let flight = FlightConfig { listen: None, ..config.flight.clone() };
    let onpremise = OnPremiseConfig { host: None, ..config.onpremise.clone() };
    let opensynaptic = OpenSynapticConfig { listen: None, ..config.opensynaptic.clone() };
    let instathings = InstathingsSettings { ttl: None, ..config.compat.instathings.clone() };
    let provisioning = ProvisioningSettings { mqtt_host: None, ..config.compat.mk.provisioning.clone() };
    let mk = MkSettings {
        public_url: None,
        jwt_secret: None,
        jwks_url: None,
        provisioning,
        plans: Vec::new(),
        ..config.compat.mk.clone()
    };
    let mqtt = MqttConfig {
        listen: None,
        tls_listen: None,
        host: None,
        tls: TlsFiles::default(),
        ..config.mqtt.clone()
    };
    let smtp = SmtpSettings { security: config.smtp.security, ..SmtpSettings::default() };
    let media = MediaSettings { devices: Vec::new(), ..config.media.clone() };
    let compat = CompatSettings { default_org: None, instathings, mk, ..config.compat.clone() };
    let off = Config {
        catalog_url: None,
        queries_dir: None,
        objects_url: None,
        backup_dir: None,
        lake,
        cluster,
        host,
        pg,
        flight,
        onpremise,
        opensynaptic,
        compat,
        mqtt,
        smtp,
        media,
        tls: TlsFiles::default(),
        ..config
    };
    assert_eq!(off, Config::default());
}

#[test]
fn variables_reach_every_section() {
    let config = load(
        "[limits]\nquery_rows = 5",
        &[
            ("BASALT_DATA_DIR", "/srv/plant"),
            ("BASALT_CATALOG_URL", "postgres://u:p@db/plant"),
            ("BASALT_LIMITS__QUERY_TIMEOUT", "5m"),
            ("BASALT_WAL__KEEP", "1GiB"),
            ("BASALT_PG_LISTEN", "127.0.0.1:5433"),
            ("BASALT_FLIGHT_LISTEN", "127.0.0.1:32011"),
            ("BASALT_OPENSYNAPTIC_LISTEN", "127.0.0.1:8766"),
            ("BASALT_OPENSYNAPTIC_ADMIN_TOKEN", "hush"),
            ("BASALT_STORAGE__SQL__ENABLED", "false"),
            ("BASALT_LOG__FORMAT", "json"),
            ("BASALT_BOOTSTRAP_KEY", "no setting, and none of our business here"),
            ("BASALT_TEST_POSTGRES", "nor this"),
            ("PATH", "/bin"),
        ],
        vec![],
    )
    .expect("all are valid");
    assert_eq!(config.data_dir, Path::new("/srv/plant"));
    assert_eq!(config.catalog_url.as_deref(), Some("postgres://u:p@db/plant"));
    assert_eq!(config.limits.query_timeout, Duration::from_secs(300));
    assert_eq!(config.limits.query_rows, 5);
    assert_eq!(config.wal.keep, 1 << 30);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.pg.listen.map(|a| a.port()), Some(5433));
    assert_eq!(config.flight.listen.map(|a| a.port()), Some(32_011));
    assert_eq!(config.opensynaptic.listen.map(|a| a.port()), Some(8766));
    let OpenSynapticSettings { auth_enabled, admin_token, sql_enabled } = config.opensynaptic.settings;
    assert!(admin_token.is_some_and(|token| token.matches("hush")) && !auth_enabled && !sql_enabled);
    assert_eq!(config.unknown_variables, [""; 0]);
}

#[test]
fn a_certificate_needs_its_key() {
    let rows = [("http.tls_key", "[http]\ntls_cert = 'a'"), ("http.tls_cert", "[http]\ntls_key = 'a'")];
    for (missing, toml) in rows {
        let message = load(toml, &[], vec![]).expect_err(missing).to_string();
        assert!(message.starts_with(missing), "{message}");
    }
}

#[test]
fn objects_are_beside_the_lake() {
    let rows = [
        ("s3://plant/lake", "s3://plant/objects", true),
        ("s3://plant/lake", "s3://plant/lake2", true),
        ("s3://plant/site/lake", "s3://plant/site", true),
        ("s3://plant/lake", "s3://plant/lake", false),
        ("s3://plant/lake", "s3://plant/lake/objects/", false),
        ("s3://plant", "s3://plant/objects", false),
    ];
    for (lake, objects, is_accepted) in rows {
        let loaded = load("", &[("BASALT_LAKE_URL", lake), ("BASALT_OBJECTS_URL", objects)], vec![]);
        match loaded {
            Ok(config) => assert!(is_accepted && config.objects_url.as_deref() == Some(objects), "{objects}"),
            Err(error) => {
                assert!(!is_accepted && error.to_string().starts_with("objects.url"), "{objects}: {error}");
            }
        }
    }
}

#[test]
fn a_mistake_is_named_with_its_key_its_source_and_what_would_be_valid() {
    let file = |toml: &'static str| load(toml, &[], vec![]);
    let variable = |name: &'static str, value: &'static str| load("", &[(name, value)], vec![]);
    let rows = rows![
        "an_unknown_key", file("colour = 1"), ["colour", "basalt.toml", "data_dir, listen"];
        "one_in_a_section", file("[limits]\nrows = 1"), ["limits.rows", "basalt.toml", "limits.query_rows"];
        "a_section_made_a_value", file("wal = 3"), ["wal", "basalt.toml", "wal.keep"];
        "a_value_made_a_section", file("listen.port = 3"), ["listen.port", "basalt.toml", "listen"];
        "unknown_in_its_section", file("[http]\nport = 1"), ["http.port", "unknown key", "http.tls_cert"];
        "a_bad_duration", file("flush.age = 'soon'"), ["flush.age", "`soon`", "\"5m\""];
        "a_duration_without_unit", file("flush.age = 60"), ["flush.age", "`60`", "\"5m\""];
        "a_list", file("listen = ['a']"), ["listen", "basalt.toml", "127.0.0.1:8000"];
        "a_list_with_more", file("process.allow_private = [['10.0.0.0/8']]"),
            ["process.allow_private", "", "networks"];
        "no_network", file("process.allow_private = ['here']"),
            ["process.allow_private", "`here`", "10.0.0.0/8"];
        "a_relative_command", file("hamachi.command = 'hamachi'"), ["hamachi.command", "`hamachi`", "absolute"];
        "half_a_key", file("license.public_key = 'd75a98'"), ["license.public_key", "`d75a98`", "32 bytes"];
        "too_long_a_grant", file("terminal.grant_ttl = '6m'"), ["terminal.grant_ttl", "`6m`", "300s"];
        "a_zero", file("limits.query_rows = 0"), ["limits.query_rows", "`0`", "above zero"];
        "a_negative", file("limits.query_rows = -1"), ["limits.query_rows", "`-1`", "above zero"];
        "a_fraction", file("limits.query_rows = 1.5"), ["limits.query_rows", "`1.5`", "whole number"];
        "a_bad_size", variable("BASALT_WAL__KEEP", "much"), ["wal.keep", "BASALT_WAL__KEEP", "\"256MB\""];
        "a_bad_level", variable("BASALT_LOG__LEVEL", "loud"), ["log.level", "BASALT_LOG__LEVEL", "debug"];
        "a_bad_format", file("log.format = 'xml'"), ["log.format", "`xml`", "text or json"];
        "a_bad_flag", load("", &[], listen_flag("8000")), ["listen", "--listen", "127.0.0.1:8000"];
        "a_port_too_large", file("onpremise.port = 65536"), ["onpremise.port", "`65536`", "65535"];
        "a_host_with_a_port", file("onpremise.host = 'gate:80'"),
            ["onpremise.host", "`gate:80`", "without a port"];
        "a_name_as_address", file("onpremise.address = 'gate'"), ["onpremise.address", "`gate`", "IP address"];
        "neither_on_nor_off", file("onpremise.enabled = 'on'"), ["onpremise.enabled", "`on`", "true or false"];
        "cap_below_flush", file("memtable.cap = 1"), ["memtable.cap", "flush.bytes", "wait"];
    ];
    for (name, config, parts) in rows {
        let message = config.expect_err(name).to_string();
        for part in parts {
            assert!(message.contains(part), "{name}: `{part}` is missing in: {message}");
        }
    }
}

#[test]
fn an_unknown_variable_warns_and_stops_no_start() {
    let variables = [
        ("BASALT_LISTN", "x"),
        ("BASALT_PORT_8000_TCP", "tcp://10.0.0.1:8000"),
        ("BASALT_SERVICE_HOST", "10.0.0.1"),
        ("BASALT_LIMITS__QUERY_ROW", "1"),
        ("BASALT_LISTEN", "127.0.0.1:4"),
    ];
    let config = load("", &variables, vec![]).expect("it starts");
    assert_eq!(config.listen.port(), 4);
    let unknown = config.unknown_variables;
    let expected = [
        ["BASALT_LIMITS__QUERY_ROW", "limits.query_rows"],
        ["BASALT_LISTN", "listen"],
        ["BASALT_PORT_8000_TCP", "listen"],
        ["BASALT_SERVICE_HOST", "listen"],
    ];
    assert_eq!(unknown.len(), expected.len(), "{unknown:?}");
    for (message, parts) in unknown.iter().zip(expected) {
        assert!(parts.iter().all(|part| message.contains(part)), "{parts:?} in {message}");
    }
}

#[test]
fn the_on_premise_interface_is_off_and_on_loopback_unless_configured() {
    let rows = [
        ("", (false, "127.0.0.1:1234", None)),
        ("enabled = true", (true, "127.0.0.1:1234", None)),
        ("enabled = true\naddress = '::'\nport = 0", (true, "[::]:0", None)),
        ("host = 'Gate.example'", (false, "127.0.0.1:1234", Some("Gate.example"))),
        ("host = '[::1]'", (false, "127.0.0.1:1234", Some("[::1]"))),
    ];
    for (toml, (is_enabled, address, host)) in rows {
        let config = load(&format!("[onpremise]\n{toml}"), &[], vec![]).expect(toml).onpremise;
        assert_eq!(SocketAddr::new(config.address, config.port), address.parse().expect(address), "{toml}");
        assert_eq!((config.is_enabled, config.host.as_deref()), (is_enabled, host), "{toml}");
        assert_eq!(config.is_served(), is_enabled || host.is_some(), "{toml}");
    }
}

#[test]
fn what_may_be_fetched_is_a_word_or_networks_in_any_form() {
    let variable = |text: &'static str| load("", &[("BASALT_PROCESS__ALLOW_PRIVATE", text)], vec![]);
    let file = |toml: &str| load(toml, &[], vec![]);
    // Each row says which addresses it allows: a private network, an address of this machine, another one.
    let rows = [
        ("nothing", file(""), [false, false, false]),
        ("a_word", file("process.allow_private = true"), [true, true, true]),
        ("a_text", file("process.allow_private = '10.0.0.0/8, ::1'"), [true, true, false]),
        ("a_list", file("process.allow_private = ['10.0.0.0/8', '::1']"), [true, true, false]),
        ("a_variable", variable("10.0.0.0/8,::1"), [true, true, false]),
        ("a_word_in_a_variable", variable("false"), [false, false, false]),
    ];
    for (name, config, expected) in rows {
        let reach = config.expect(name).host.reach;
        let addresses = ["10.1.2.3", "::1", "127.0.0.1"];
        assert_eq!(addresses.map(|ip| reach.allows(ip.parse().expect("an address"))), expected, "{name}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let error =
        load("colour = 1\nlisten = 'x'", &[("BASALT_LOG__LEVEL", "loud")], vec![]).expect_err("three");
    let keys: Vec<_> = error.fields.iter().map(|f| f.field.as_ref()).collect();
    assert_eq!(keys, ["colour", "listen", "log.level"]);
}

#[test]
fn a_password_in_the_catalog_url_is_not_repeated() {
    let error =
        load("", &[("BASALT_CATALOG_URL", "mysql://root:secret@db/x")], vec![]).expect_err("no MySQL");
    let message = error.to_string();
    assert!(message.contains("catalog.url") && message.contains("postgres://"), "{message}");
    assert!(!message.contains("secret"), "{message}");
}

#[test]
fn the_admin_token_is_not_repeated_and_may_be_empty() {
    let error = load("[opensynaptic]\nadmin_token = \"hush\\nhush\"", &[], vec![]).expect_err("a line break");
    let message = error.to_string();
    assert!(message.contains("opensynaptic.admin_token") && !message.contains("hush"), "{message}");
    let unknown = load("[storage.sql]\nenable = true", &[], vec![]).expect_err("another key").to_string();
    assert!(unknown.contains("unknown key") && unknown.contains("storage.sql.enabled"), "{unknown}");
    let rows =
        [("admin_token = ''", None), ("admin_token = '  '", None), ("admin_token = ' hush '", Some("hush"))];
    for (toml, expected) in rows {
        let config = load(&format!("[opensynaptic]\n{toml}"), &[], vec![]).expect(toml);
        let found = config.opensynaptic.settings.admin_token.clone();
        assert_eq!(found.is_some(), expected.is_some(), "{toml}");
        assert!(expected.is_none_or(|token| found.is_some_and(|found| found.matches(token))), "{toml}");
        assert!(!format!("{config:?}").contains("hush"), "{toml}");
    }
}

#[test]
fn values_of_a_file_are_texts() {
    let toml = "digits = 1_000\nhex = 0xff\nbelow = -5\nhalf = 0.50\nlarge = 1e3\nflag = true\nday = 2026-01-02\n\
        list = [1, 'two', true]\nnested = [[1]]\n[[tables]]\na = 1\n[section]\n'a.b' = 'c'\n[section.inner]\nkey = 'd'\n";
    let settings = layers::merge(vec![Layer::from_toml("basalt.toml", toml).expect("TOML")]);
    let found: Vec<_> = settings.iter().map(|s| (s.key.as_str(), s.text.as_deref(), s.is_list)).collect();
    let expected = [
        ("below", Some("-5"), false),
        ("day", None, false),
        ("digits", Some("1000"), false),
        ("flag", Some("true"), false),
        ("half", Some("0.5"), false),
        ("hex", Some("255"), false),
        ("large", Some("1000"), false),
        ("list", Some("1,two,true"), true),
        ("nested", None, true),
        ("section.a.b", Some("c"), false),
        ("section.inner.key", Some("d"), false),
        ("tables", None, true),
    ];
    assert_eq!(found, expected);
}

#[test]
fn broken_toml_says_where() {
    let message = load("listen = ", &[], vec![]).expect_err("broken").to_string();
    assert!(message.contains("basalt.toml") && message.contains("line 1"), "{message}");
}

#[test]
fn broken_toml_does_not_show_its_line_which_may_hold_a_secret() {
    let rows = [
        ("an_open_text", "jwt_secret = \"spoken-softly"),
        ("an_open_text_before_another_line", "jwt_secret = \"spoken-softly\nlisten = 1"),
        ("no_quotes", "jwt_secret = spoken-softly\n"),
        ("something_behind", "jwt_secret = \"spoken-softly\" \"spoken-softly\"\n"),
        ("an_unknown_escape", "jwt_secret = \"spoken-softly\\q\"\n"),
        ("no_key", "\"spoken-softly\"\n"),
    ];
    for (name, line) in rows {
        let message = load(&format!("[mk]\n{line}"), &[], vec![]).expect_err(name).full_message();
        assert!(message.contains("basalt.toml is not TOML: line 2: "), "{name}: {message}");
        assert!(!message.contains("softly"), "{name}: {message}");
    }
    let twice = "[mk]\njwt_secret = \"spoken-softly\"\njwt_secret = \"spoken-softly\"";
    let message = load(twice, &[], vec![]).expect_err("twice").full_message();
    assert!(message.contains("is not TOML: line ") && !message.contains("softly"), "{message}");
}

#[test]
fn readings_are_ahead_by_at_most_what_is_taken() {
    let ahead = |toml: &str| load(&format!("[ingest]\n{toml}"), &[], vec![]);
    let config = ahead("max_ahead_live = '0s'").expect("no time ahead at all");
    assert_eq!(config.ingest_max_ahead_live, Duration::ZERO);
    ahead("max_future = '30s'").expect("the default gives way");
    let error = ahead("max_future = '1h'\nmax_ahead_live = '2h'").expect_err("longer than what is taken");
    assert!(error.to_string().contains("ingest.max_ahead_live"), "{error}");
    ahead("max_ahead_live = '-1s'").expect_err("below zero");
}
