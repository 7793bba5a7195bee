//! Security: servers are trusted by hand, and they trust us or not; every policy that is not broken works, and so do users.

use serde_json::{Value, json};

use super::{EVENT_TIMEOUT, device_at, stream_at, until_last, until_state};
use crate::support::{
    Client, OpcuaPeer, OpcuaServer, Server, eventually, free_port, has_turn, rows, run_python, until,
};

#[tokio::test]
async fn asyncua_and_we_trust_each_other_by_hand() {
    if has_turn("opcua", 1, 2) {
        trust_each_other(OpcuaPeer::Asyncua).await;
    }
}

#[tokio::test]
async fn node_opcua_and_we_trust_each_other_by_hand() {
    if has_turn("opcua", 0, 2) {
        trust_each_other(OpcuaPeer::NodeOpcua).await;
    }
}

async fn trust_each_other(peer: OpcuaPeer) {
    let mut peer = OpcuaServer::start_peer(peer, free_port()).await;
    let (server, client) = Server::with_client(&[]).await;
    let count = server.basalt(&["opcua", "certificates"]).await.expect_success().lines().count();
    assert_eq!(count, 1, "a header alone");
    let device = device_at(&client, peer.port, json!({"security_policy": "Basic256Sha256"})).await;
    let stream = stream_at(&client, device, "ns=2;s=Line.Double", "fp64").await;

    let error = until_error(&client, device, "its certificate is not trusted").await;
    let command = error.split('`').nth(1).expect("a command");
    let thumbprint = command.strip_prefix("basalt opcua trust ").expect("how to trust it");
    let subject = error.split("not trusted: ").nth(1).and_then(|rest| rest.split(", thumbprint").next());
    let listed = server.basalt(&["opcua", "certificates"]).await.expect_success();
    let line = format!("new       {thumbprint}  {}", subject.expect("whose it is"));
    assert!(listed.contains(&line), "{listed}");
    let refused = server.basalt(&["opcua", "trust", "0123"]).await.expect_failure();
    assert!(refused.contains("no new or rejected certificate"), "{refused}");

    // Now we trust it, but it does not trust us.
    server.basalt(&["opcua", "trust", thumbprint]).await.expect_success();
    until_error(&client, device, "told to trust our certificate, pki/own/cert.der").await;
    peer.run_command(&json!({"trust_clients": true}));
    until_last(&client, stream, "a value", |last| last["value"] == -1234.5678).await;
    until_state(&client, device, "online").await;
    let listed = server.basalt(&["opcua", "certificates"]).await.expect_success();
    assert!(listed.contains(&format!("trusted   {thumbprint}")) && listed.contains("CN=Basalt"), "{listed}");
    let key = server.data_dir.path().join("pki/private/private.pem");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(key).expect("a key").permissions());
    assert_eq!(mode & 0o777, 0o600, "only its owner reads it");

    // What was trusted may be taken back.
    server.basalt(&["opcua", "reject", thumbprint]).await.expect_success();
    let one = format!("/api/device/{device}/");
    client.patch(&one, &json!({"enabled": false})).await.ok();
    client.patch(&one, &json!({"enabled": true})).await.ok();
    until_error(&client, device, "its certificate is not trusted").await;
}

#[tokio::test]
async fn every_policy_mode_and_user_works_with_asyncua() {
    if has_turn("opcua", 0, 2) {
        every_policy_mode_and_user(OpcuaPeer::Asyncua, "BadUserAccessDenied").await;
    }
}

#[tokio::test]
async fn every_policy_mode_and_user_works_with_node_opcua() {
    if has_turn("opcua", 1, 2) {
        every_policy_mode_and_user(OpcuaPeer::NodeOpcua, "BadIdentityTokenRejected").await;
    }
}

/// Policy and mode, and who logs in: nobody, somebody with a password, somebody with a certificate.
const LOGINS: [(&str, &str, &str); 10] = [
    ("None", "None", "nobody"),
    ("None", "None", "password"),
    ("None", "None", "certificate"),
    ("Basic256Sha256", "Sign", "password"),
    ("Basic256Sha256", "SignAndEncrypt", "certificate"),
    ("Aes128_Sha256_RsaOaep", "Sign", "certificate"),
    ("Aes128Sha256RsaOaep", "SignAndEncrypt", "nobody"),
    ("Aes256Sha256RsaPss", "Sign", "nobody"),
    ("Aes256_Sha256_RsaPss", "SignAndEncrypt", "password"),
    ("Aes256Sha256RsaPss", "SignAndEncrypt", "certificate"),
];

async fn every_policy_mode_and_user(peer: OpcuaPeer, stranger: &str) {
    let mut peer = OpcuaServer::start_peer(peer, free_port()).await;
    let (server, client) = Server::with_client(&[]).await;
    let users = server.data_dir.path().join("pki/users");
    let users = users.to_str().expect("a path in UTF-8");
    let known = run_python("opcua_user.py", &[users, "operator"]).await;
    run_python("opcua_user.py", &[users, "stranger"]).await;
    peer.run_command(&json!({"user": known}));
    peer.run_command(&json!({"trust_clients": true}));
    let device = device_at(&client, peer.port, json!({"security_policy": "Basic256Sha256"})).await;
    let error = until_error(&client, device, "basalt opcua trust ").await;
    let thumbprint = error.split('`').nth(1).and_then(|command| command.rsplit(' ').next());
    server.basalt(&["opcua", "trust", thumbprint.expect("a thumbprint")]).await.expect_success();

    for (number, (policy, mode, login)) in LOGINS.into_iter().enumerate() {
        let mut metadata = json!({"security_policy": policy, "security_mode": mode});
        let (username, password) = if login == "password" { ("operator", "secret") } else { ("", "") };
        if login == "certificate" {
            metadata["user_certificate"] = json!("operator");
        }
        let change = json!({"metadata": metadata, "username": username, "password": password});
        set(&client, device, change).await;
        let what = format!("online with {policy} {mode} {login}");
        until!(&what, EVENT_TIMEOUT;
            shown = client.get(&format!("/api/device/{device}/")).await.body; shown["status"] == "online");
        let io = format!("/api/device/{device}/io/ns=2;s=Line.Int64/");
        let value = i64::MAX - number as i64;
        let answer = client.post(&io, &json!({ "value": value })).await;
        answer.about(&metadata).has(200, json!({"written": true}));
        assert_eq!(client.get(&io).await.body, json!({ "value": value }), "{metadata} {login}");
    }
    let secure = "Basic256Sha256";
    for (metadata, username, password, why) in rows![
        json!({}), "operator", "wrong", "BadUserAccessDenied";
        json!({"security_policy": secure}), "operator", "wrong", "BadUserAccessDenied";
        json!({"security_policy": secure, "user_certificate": "stranger"}), "", "", stranger;
        json!({"security_policy": secure, "user_certificate": "nobody"}), "", "",
            "there is no certificate or key that can be read at";
    ] {
        set(&client, device, json!({"metadata": metadata, "username": username, "password": password})).await;
        until_error(&client, device, why).await;
    }
    let broken = json!({"metadata": {"security_policy": "Basic256"}});
    let (status, answer) = client.patch(&format!("/api/device/{device}/"), &broken).await.outcome();
    let text = answer.to_string();
    let valid = "is not one of None, Basic256Sha256, Aes128_Sha256_RsaOaep, Aes256_Sha256_RsaPss.";
    assert!(status == 400 && text.contains(valid), "{text}");
}

/// Changes a device that is at rest meanwhile, so that what it then says is about the new settings.
async fn set(client: &Client, device: i64, mut change: Value) {
    let one = format!("/api/device/{device}/");
    client.patch(&one, &json!({"enabled": false})).await.ok();
    change["enabled"] = json!(true);
    client.patch(&one, &change).await.ok();
}

/// Waits until the device is offline for this reason; the whole reason.
async fn until_error(client: &Client, device: i64, why: &str) -> String {
    eventually(why, EVENT_TIMEOUT, || async {
        let shown = client.get(&format!("/api/device/{device}/")).await.body;
        let error = shown["last_error"].as_str().filter(|error| error.contains(why));
        error.filter(|_| shown["status"] == "offline").map(str::to_owned)
    })
    .await
}

#[tokio::test]
async fn a_server_is_trusted_and_rejected_over_rest_and_the_graph() {
    let mut peer = OpcuaServer::start_peer(OpcuaPeer::Asyncua, free_port()).await;
    peer.run_command(&json!({"trust_clients": true}));
    let (server, client) = Server::with_client(&[]).await;
    let list = "/api/opcua/certificate/";
    assert_eq!(client.get(list).await.body, json!([]));
    let device = device_at(&client, peer.port, json!({"security_policy": "Basic256Sha256"})).await;
    let stream = stream_at(&client, device, "ns=2;s=Line.Double", "fp64").await;
    until_error(&client, device, "its certificate is not trusted").await;
    let all = client.get(list).await.ok();
    assert_eq!(all.as_array().map(Vec::len), Some(1), "{all}");
    let one = &all[0];
    assert_eq!((&one["state"], &one["devices"]), (&json!("new"), &json!([device])), "{one}");
    assert!(one["valid_from"].as_str() < one["valid_to"].as_str() && one["valid_from"].is_string(), "{one}");
    let fingerprint = one["fingerprint"].as_str().expect("a fingerprint").to_owned();
    let path = format!("{list}{fingerprint}/");

    // A server that cannot be trusted is not tested or browsed either.
    let unsaved = json!({"name": "n", "protocol": "opcua", "host": format!("opc.tcp://127.0.0.1:{}/plant", peer.port),
                         "timeout": 5, "metadata": {"security_policy": "Basic256Sha256"}});
    let test = client.post("/api/device/test/", &unsaved).await.body;
    assert!(test["error"].as_str().is_some_and(|error| error.contains("is not trusted")), "{test}");

    for (name, at, body, expected) in [
        ("unknown", format!("{list}0123/"), json!({"state": "trusted"}), 404),
        ("undecided", path.clone(), json!({"state": "new"}), 400),
        ("another", path.clone(), json!({"state": "maybe"}), 400),
        ("nothing", path.clone(), json!({}), 400),
    ] {
        client.post(&at, &body).await.about(&name).expect(expected);
    }
    client.post(&path, &json!({"state": "trusted"})).await.has(200, json!({"state": "trusted"}));
    client.post(&path, &json!({"state": "trusted"})).await.about("again").ok();
    until_last(&client, stream, "a value", |last| last["value"] == -1234.5678).await;
    let test = client.post("/api/device/test/", &unsaved).await.body;
    assert_eq!(test["reached"], true, "{test}");

    let change = format!(
        "mutation {{ setOpcuaCertificateState(fingerprint: \"{fingerprint}\", state: rejected) \
         {{ certificate {{ state devices {{ rowId }} }} errors {{ message }} }} }}"
    );
    let answer = client.post("/graphql", &json!({ "query": change })).await.body;
    let certificate = &answer["data"]["setOpcuaCertificateState"]["certificate"];
    assert_eq!(certificate, &json!({"state": "rejected", "devices": [{"rowId": device}]}), "{answer}");
    let query = "{ opcuaCertificates { fingerprint subject state validFrom validTo } }";
    let answer = client.post("/graphql", &json!({ "query": query })).await.body;
    assert_eq!(answer["data"]["opcuaCertificates"][0]["state"], "rejected", "{answer}");
    let rows = client.sql("SELECT action, fields FROM audit_log WHERE kind = 'opcua-certificate'").await;
    assert_eq!(rows.len(), 2, "two decisions: {rows:?}");

    let reader = server.client_with(&["--scope", "system:read"]).await;
    reader.get(list).await.about("no right to read devices").has(200, json!({"/0/devices": []}));
    reader.post(&path, &json!({"state": "trusted"})).await.expect(403);
}
