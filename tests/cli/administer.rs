//! Organizations, users and keys: the same commands say the same with a server and without.

use std::sync::Arc;

use crate::support::{Client, DataDir, Server, rows};

/// A command, and words.
type Row<'a> = (&'a [&'a str], &'a [&'a str]);

/// Runs commands that succeed; the words have to be in their output, in order.
async fn check_outputs(home: &DataDir, rows: &[Row<'_>]) {
    for (args, words) in rows {
        let ran = home.basalt(args).await;
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, Some(0), "{args:?}: {all}");
        let mut rest = all.as_str();
        for word in *words {
            let at = rest
                .find(word)
                .unwrap_or_else(|| panic!("{args:?} does not say `{word}` in its place: {all}"));
            rest = &rest[at + word.len()..];
        }
    }
}

/// Runs commands that fail; the words have to be in their message.
async fn check_failures(home: &DataDir, rows: &[Row<'_>]) {
    for (args, words) in rows {
        let output = home.basalt(args).await.expect_failure();
        assert!(output.starts_with("error: ") && output.lines().count() == 1, "{args:?}: {output}");
        assert!(words.iter().all(|word| output.contains(word)), "{args:?}: {output}");
    }
}

/// Every command of administration once, its output as words that have to be in it, in order.
async fn administer(home: &DataDir) {
    let rows: [Row; 17] = rows![
        &["org", "create", "plant-2", "--name", "Plant Two"], &["plant-2", "created"];
        &["org", "list"], &["SLUG", "default", "plant-2", "Plant Two"];
        &["user", "create", "ann", "--staff"], &["ann"];
        &["user", "create", "bob", "--superuser", "--org", "plant-2"], &["bob"];
        &["user", "list"], &["ID", "NAME", "ROLE", "ann", "staff", "yes"];
        &["user", "list", "--org", "plant-2"], &["bob", "superuser", "yes"];
        &["user", "passwd", "ann"], &["ann", "password, shown this once: "];
        &["user", "role", "ann", "--superuser"], &["ann is a superuser"];
        &["user", "role", "ann", "--viewer"], &["ann is a viewer"];
        &["user", "list"], &["ann", "viewer", "yes"];
        &["user", "disable", "ann"], &["ann disabled"];
        &["user", "enable", "ann"], &["ann enabled"];
        &["user", "delete", "bob", "--org", "plant-2"], &["bob deleted"];
        &["key", "create", "--name", "reader", "--scope", "value:read,data:read"], &["bslt_"];
        &["key", "create", "--name", "panel", "--expires", "2200-01-31"], &["bslt_"];
        &["key", "list"], &["ENDS", "reader", "data:read,value:read", "yes", "never", "2200-01-31T00:00:00Z"];
        &["key", "list", "--org", "plant-2"], &["NAME"];
    ];
    check_outputs(home, &rows).await;
    let is_absent =
        !home.basalt(&["key", "list", "--org", "plant-2"]).await.expect_success().contains("reader");
    assert!(is_absent, "of another organization");
    let password =
        home.basalt_with(&["user", "create", "eve", "--password-stdin"], &[], "correct horse\n").await;
    assert!(!password.expect_success().contains("correct horse"), "a password that was given is not printed");

    let failures: [Row; 11] = [
        (&["org", "create", "plant-2"], &["slug"]),
        (&["org", "create", "Not A Slug"], &["slug"]),
        (&["user", "create", "ann"], &["name"]),
        (&["user", "delete", "bob"], &["bob", "user list"]),
        (&["user", "disable", "ann", "--org", "plant-2"], &["ann"]),
        (&["key", "create", "--name", "x", "--scope", "moon:read"], &["moon:read"]),
        (&["key", "create", "--name", "x", "--device", "99"], &["99"]),
        (&["key", "create", "--name", "x", "--expires", "soon"], &["expires", "soon"]),
        (&["key", "create", "--name", "x", "--expires", "2020-01-31"], &["expires", "not in the future"]),
        (&["key", "list", "--org", "nowhere"], &["nowhere"]),
        (&["key", "revoke", "99"], &[]),
    ];
    check_failures(home, &failures).await;
}

#[tokio::test]
async fn without_a_server() {
    administer(&DataDir::new()).await;
}

#[tokio::test]
async fn beside_a_server() {
    let server = Server::start(&[]).await;
    administer(&server.data_dir).await;
}

#[tokio::test]
async fn clients_are_made_listed_and_revoked() {
    let home = DataDir::new();
    let create = |rest: &[&'static str]| [&["client", "create", "--name", "app"], rest].concat();
    let cloud = create(&["--api", "instathings"]);
    let of_ann = create(&["--api", "blynk", "--user", "ann", "--role", "operator"]);
    let platform = create(&["--api", "mk"]);
    check_outputs(
        &home,
        &[
            (&["user", "create", "ann"], &["ann"]),
            (&["org", "create", "plant-2"], &["plant-2"]),
            (&cloud, &["clientId=", "clientSecret=", "(app) of instathings may everything"]),
            (&of_ann, &["client_id=", "client_secret=", "may operator (as ann)"]),
            (&platform, &["sk_live_"]),
            (&["client", "list"], &["CLIENT ID", "instathings", "operator (as ann)", "sk_live_", "never"]),
            (&["client", "list", "--org", "plant-2"], &["CLIENT ID"]),
        ],
    )
    .await;
    let of_eve = create(&["--api", "blynk", "--user", "eve"]);
    let (nowhere, member) = (create(&["--api", "x"]), create(&["--api", "blynk", "--role", "member"]));
    check_failures(
        &home,
        &[
            (&nowhere, &["api", "x"]),
            (&of_eve, &["user", "eve"]),
            (&member, &["member", "viewer"]),
            (&["client", "revoke", "nobody"], &["nobody"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_client_that_is_preset_is_revoked_beside_the_server() {
    let env = [("BASALT_BOOTSTRAP_BLYNK", "plant:secret"), ("BASALT_BOOTSTRAP_INSTATHINGS", "plant:secret")];
    let server = Server::start(&env).await;
    assert!(server.log().contains("BASALT_BOOTSTRAP_BLYNK"), "a short secret is warned of: {}", server.log());
    let output = server.basalt(&["client", "revoke", "plant"]).await.expect_failure();
    assert!(output.contains("--api"), "{output}");
    server.basalt(&["client", "revoke", "plant", "--api", "blynk"]).await.expect_success();
    let list = server.basalt(&["client", "list"]).await.expect_success();
    let line = list.lines().find(|line| line.contains("blynk")).expect("it is listed");
    assert!(line.contains(" no ") && !list.contains("secret"), "{list}");
}

#[tokio::test]
async fn what_one_process_made_the_next_one_knows() {
    let home = Arc::new(DataDir::new());
    let key = home.basalt(&["key", "create", "--name", "me"]).await.expect_success().trim().to_owned();
    let mut server = Server::start_in(home.clone(), &[]).await;
    let client = Client::new(&server.url, &key);
    client.get("/api/device/").await.ok();
    server.stop().await;
    let list = home.basalt(&["key", "list"]).await.expect_success();
    let line = list.lines().find(|line| line.contains(" me ")).expect("the key is listed");
    assert!(!line.contains("never"), "when a key was used is remembered: {line}");
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let server = Server::start(&[]).await;
    let client = server.client_with(&[]).await;
    client.get("/api/device/").await.ok();
    let list = server.basalt(&["key", "list"]).await.expect_success();
    let id = list.lines().find(|line| line.contains(" test ")).and_then(|line| line.split(' ').next());
    server.basalt(&["key", "revoke", id.expect("its id")]).await.expect_success();
    client.get("/api/device/").await.expect(401);
    client.try_sql("SELECT 1").await.expect(401);
}

#[tokio::test]
async fn a_directory_that_was_never_used_is_not_made_by_looking() {
    let home = DataDir::new();
    let missing = home.path().join("not/there").display().to_string();
    for args in [&["key", "list"][..], &["sql", "SELECT 1"], &["org", "list"]] {
        let output = home.basalt(&[args, &["--data-dir", &missing]].concat()).await.expect_failure();
        assert!(output.contains(&missing) && output.contains("--data-dir"), "{output}");
    }
    assert!(!home.path().join("not").exists());
}
