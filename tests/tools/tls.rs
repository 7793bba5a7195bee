//! One certificate for every listener, and commands that trust it. tests/data/tls/ holds one that means nothing to anybody.

use std::fs;

use super::fixture::LISTEN_ENV;
use crate::support::{DataDir, Server, rows};

fn file(name: &str) -> String {
    format!("{}/tests/data/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test]
async fn every_listener_speaks_tls_and_commands_find_it() {
    let (cert, key) = (file("server.pem"), file("server.key"));
    let env = [("BASALT_HTTP__TLS_CERT", cert.as_str()), ("BASALT_HTTP__TLS_KEY", key.as_str())];
    let server = Server::start(&[&LISTEN_ENV[..], &env].concat()).await;
    assert!(server.log().contains("listening on https://"), "{}", server.log());

    let trusted = reqwest::Certificate::from_pem(&fs::read(&cert).unwrap()).unwrap();
    let client = reqwest::Client::builder().no_proxy().add_root_certificate(trusted).build().unwrap();
    let url = server.url.replace("http://", "https://");
    let request = client.get(format!("{url}/sql?q=SELECT+1+AS+x")).header("x-api-key", &server.key);
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), r#"[{"x":1}]"#);
    let stranger = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(stranger.get(format!("{url}/healthz/")).send().await.is_err(), "others are not made to trust it");
    let is_refused = stranger.get(format!("{}/healthz/", server.url)).send().await.is_err();
    assert!(is_refused, "HTTP is not spoken beside");

    // Commands on the directory go through the server and trust exactly its certificate.
    let output = server.basalt(&["sql", "SELECT 40 + 2 AS x", "--format", "csv"]).await.expect_success();
    assert_eq!(output, "x\n42\n");
    let made = server.data_dir.basalt_with(
        &["user", "create", "ann", "--superuser", "--password-stdin"],
        &[],
        "a long password 1\n",
    );
    made.await.expect_success();
    let login = serde_json::json!({"username": "ann", "password": "a long password 1"});
    let answer = client.post(format!("{url}/api/session/")).json(&login).send().await.unwrap();
    let cookies: Vec<_> =
        answer.headers().get_all("set-cookie").iter().map(|c| c.to_str().unwrap()).collect();
    assert!(cookies.len() == 2 && cookies.iter().all(|c| c.ends_with("; Secure")), "{cookies:?}");
}

#[tokio::test]
async fn a_bad_certificate_or_key_stops_the_start() {
    let (cert, key, other) = (file("server.pem"), file("server.key"), file("other.key"));
    let rows = rows![
        "no_key", vec![("BASALT_HTTP__TLS_CERT", cert.as_str())], "http.tls_key";
        "no_certificate", vec![("BASALT_HTTP__TLS_KEY", key.as_str())], "http.tls_cert";
        "no_such_file", vec![("BASALT_HTTP__TLS_CERT", "/nowhere.pem"), ("BASALT_HTTP__TLS_KEY", &key)],
            "http.tls_cert";
        "a_key_as_certificate", vec![("BASALT_HTTP__TLS_CERT", &key), ("BASALT_HTTP__TLS_KEY", &key)],
            "http.tls_cert";
        "a_certificate_as_key", vec![("BASALT_HTTP__TLS_CERT", &cert), ("BASALT_HTTP__TLS_KEY", &cert)],
            "http.tls_key";
        "another_key", vec![("BASALT_HTTP__TLS_CERT", &cert), ("BASALT_HTTP__TLS_KEY", &other)], "http.tls_key";
    ];
    for (name, env, expected) in rows {
        let output = DataDir::new()
            .basalt_with(&["serve", "--listen", "127.0.0.1:0"], &env, "")
            .await
            .expect_failure();
        assert!(output.contains(expected), "{name}: {output}");
    }
}
