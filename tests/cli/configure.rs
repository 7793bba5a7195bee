//! The layers of the configuration as a whole process sees them, and errors that name the key.

use std::fs;
use std::net::TcpListener;

use crate::support::{CommandOutput, DataDir, Server, rows};

/// `basalt serve` with a file and variables that have to be refused.
async fn refused(toml: &str, env: &[(&str, &str)], args: &[&str]) -> String {
    let home = DataDir::new();
    fs::write(home.path().join("basalt.toml"), toml).expect("written");
    let ran: CommandOutput = home.basalt_with(&[&["serve"], args].concat(), env, "").await;
    let output = ran.expect_failure();
    assert_eq!(output.lines().count(), 1, "{output}");
    output
}

#[tokio::test]
async fn an_error_names_the_key_its_source_and_what_would_be_valid() {
    type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [&'a str], &'a [&'a str]);
    let rows: [Row; 12] = rows![
        "a_rate", "[blynk]\nimport_per_device = \"60/week\"", &[], &[], &["blynk.import_per_device", "60/week", "60/min"];
        "a_slug", "[compat]\ndefault_org = \"A B\"", &[], &[], &["compat.default_org", "A B"];
        "a_lifetime", "[blynk]\ntoken_ttl = \"1500ms\"", &[], &[], &["blynk.token_ttl", "1500ms", "whole seconds"];
        "unknown_key", "[flush]\nbites = \"1MB\"", &[], &[], &["flush.bites", "basalt.toml", "flush.bytes"];
        "unknown_section", "[flash]\nage = \"1s\"", &[], &[], &["flash.age", "flush.age"];
        "a_bad_duration", "[flush]\nage = \"soon\"", &[], &[], &["flush.age", "soon", "basalt.toml", "2s"];
        "a_list", "[flush]\nage = [1]", &[], &[], &["flush.age", "basalt.toml"];
        "no_toml", "flush = ", &[], &[], &["basalt.toml", "TOML"];
        "a_variable", "", &[("BASALT_FLUSH__BYTES", "5 bananas")], &[], &["flush.bytes", "5 bananas", "BASALT_FLUSH__BYTES"];
        "a_flag", "", &[], &["--listen", "nowhere"], &["listen", "nowhere", "--listen", "127.0.0.1:8000"];
        "a_secret_is_not_repeated", "", &[("BASALT_CATALOG_URL", "mysql://me:hush@db")], &[], &["catalog.url", "postgres://"];
        "values_that_do_not_fit", "[memtable]\ncap = \"1MB\"", &[], &[], &["memtable.cap", "flush.bytes"];
    ];
    for (name, toml, env, args, words) in rows {
        let message = refused(toml, env, args).await;
        assert!(words.iter().all(|word| message.contains(word)), "{name}: {message}");
        assert!(!message.contains("hush"), "{name}: {message}");
    }
    let both = refused("[flush]\nage = \"soon\"\nbites = 1", &[], &[]).await;
    assert!(both.contains("flush.age") && both.contains("flush.bites"), "all at once: {both}");
    let weak = refused("", &[("BASALT_BOOTSTRAP_KEY", "short")], &[]).await;
    let is_told = weak.contains("BASALT_BOOTSTRAP_KEY") && weak.contains("32") && !weak.contains("short");
    assert!(is_told, "{weak}");
}

#[tokio::test]
async fn a_malformed_preset_client_stops_the_start() {
    for (variable, value) in [
        ("BASALT_BOOTSTRAP_BLYNK", "hush"),
        ("BASALT_BOOTSTRAP_BLYNK", "id:"),
        ("BASALT_BOOTSTRAP_INSTATHINGS", ":hush"),
        ("BASALT_BOOTSTRAP_INSTATHINGS", "id:hush hush"),
    ] {
        let message = refused("", &[(variable, value)], &[]).await;
        let is_told =
            message.contains(variable) && message.contains("id:secret") && !message.contains("hush");
        assert!(is_told, "{message}");
    }
    let home = DataDir::new();
    let env = [("BASALT_COMPAT__DEFAULT_ORG", "nowhere"), ("BASALT_LISTEN", "127.0.0.1:0")];
    let nowhere = home.basalt_with(&["serve"], &env, "").await.expect_failure();
    assert!(nowhere.contains("compat.default_org") && nowhere.contains("nowhere"), "{nowhere}");
}

#[tokio::test]
async fn flags_win_over_variables_and_those_over_the_file() {
    let home = DataDir::new();
    // Each case is told apart by the address that the server says it cannot listen on.
    let taken = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let [file, other_file, variable, flag] =
        taken.each_ref().map(|listener| listener.local_addr().expect("an address").to_string());
    fs::write(home.path().join("basalt.toml"), format!("listen = \"{file}\"")).expect("written");
    fs::write(home.path().join("other.toml"), format!("listen = \"{other_file}\"")).expect("written");
    let env = [("BASALT_LISTEN", variable.as_str())];
    type Row<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let rows: [Row; 5] = [
        (&["serve"], &[], &file),
        (&["serve"], &env, &variable),
        (&["serve", "--listen", &flag], &env, &flag),
        (&["serve", "--config", "other.toml"], &[], &other_file),
        (&["serve", "--config", "missing.toml"], &[], "missing.toml"),
    ];
    for (args, env, expected) in rows {
        let output = home.basalt_with(args, env, "").await.expect_failure();
        assert!(output.contains(expected), "{args:?}: {output}");
    }
}

/// Kubernetes sets such variables for a service named basalt.
#[tokio::test]
async fn a_variable_that_sets_nothing_warns_and_the_server_starts() {
    let env = [("BASALT_PORT", "tcp://10.0.0.1:8000"), ("BASALT_LISSEN", "x")];
    let server = Server::start(&env).await;
    let log = server.log();
    for (name, _) in env {
        let warned = log.lines().find(|line| line.contains(name)).unwrap_or_default();
        assert!(warned.contains("WARN") && warned.contains("listen"), "{name}: {log}");
    }
}

#[tokio::test]
async fn what_is_typed_wrong_ends_with_2() {
    let home = DataDir::new();
    for args in [&["serv"][..], &["serve", "--port", "1"], &["key", "create"], &["import"], &[]] {
        let ran = home.basalt(args).await;
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
    }
    assert!(home.basalt(&["--version"]).await.expect_success().starts_with("basalt "));
    assert!(home.basalt(&["serve", "--help"]).await.expect_success().contains("--listen"));
}
