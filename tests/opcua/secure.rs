//! Security: servers are trusted by hand, every policy that is not broken works, and so do users.

use serde_json::{Value, json};

use super::{device_at, stream_at, until_last, until_state};
use crate::support::{OpcuaServer, Server, free_port};

#[tokio::test]
async fn a_server_is_trusted_by_its_thumbprint() {
    let peer = OpcuaServer::start(free_port()).await;
    let server = Server::start(&[]).await;
    let client = server.client();
    assert_eq!(server.basalt(&["opcua", "certificates"]).await.ok().lines().count(), 1, "a header alone");
    let device = device_at(&client, peer.port, json!({"security_policy": "Basic256Sha256"})).await;
    let stream = stream_at(&client, device, "ns=2;s=Line.Double", "fp64").await;

    let shown = until_state(&client, device, "offline").await;
    let error = shown["last_error"].as_str().expect("a reason");
    assert!(error.contains("its certificate is not trusted: CN=Plant peer"), "{error}");
    let command = error.split('`').nth(1).expect("a command");
    let thumbprint = command.strip_prefix("basalt opcua trust ").expect("how to trust it");
    let listed = server.basalt(&["opcua", "certificates"]).await.ok();
    assert!(listed.contains(&format!("rejected  {thumbprint}  CN=Plant peer")), "{listed}");
    assert!(server.basalt(&["opcua", "trust", "0123"]).await.failed().contains("no rejected certificate"));

    server.basalt(&["opcua", "trust", thumbprint]).await.ok();
    until_last(&client, stream, "a value", |last| last["value"] == -1234.5678).await;
    until_state(&client, device, "online").await;
    let listed = server.basalt(&["opcua", "certificates"]).await.ok();
    assert!(listed.contains(&format!("trusted   {thumbprint}")) && listed.contains("CN=Basalt"), "{listed}");

    let key = server.home.path().join("pki/private/private.pem");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(key).expect("a key").permissions());
    assert_eq!(mode & 0o777, 0o600, "only its owner reads it");

    // Every other policy and mode, once it is trusted, and a user with a password.
    for (metadata, username, password) in [
        (json!({"security_policy": "Basic256Sha256", "security_mode": "Sign"}), "", ""),
        (json!({"security_policy": "Aes128Sha256RsaOaep"}), "", ""),
        (json!({"security_policy": "Aes256Sha256RsaPss", "use_subscription": true}), "operator", "secret"),
        (json!({}), "operator", "secret"),
    ] {
        let change =
            json!({"metadata": metadata, "username": username, "password": password, "enabled": true});
        assert_eq!(client.patch(&format!("/api/device/{device}/"), &json!({"enabled": false})).await.0, 200);
        assert_eq!(client.patch(&format!("/api/device/{device}/"), &change).await.0, 200);
        until_state(&client, device, "online").await;
        let io = format!("/api/device/{device}/io/ns=2;s=Line.Int64/");
        let (status, _, answer) = client.get(&io).await;
        assert_eq!((status, answer), (200, json!({"value": -1_234_567_890_123_456_789_i64})), "{metadata}");
    }
    refused(&client, device, json!({"username": "operator", "password": "wrong"}), "BadUserAccessDenied")
        .await;
    refused(
        &client,
        device,
        json!({"username": "", "password": "", "metadata": {"security_policy": "Basic256"}}),
        "is not one of None, Basic256Sha256, Aes128Sha256RsaOaep, Aes256Sha256RsaPss.",
    )
    .await;
}

async fn refused(client: &crate::support::Client, device: i64, change: Value, why: &str) {
    assert_eq!(client.patch(&format!("/api/device/{device}/"), &change).await.0, 200);
    let shown = crate::support::eventually("the reason", super::PATIENCE, || async {
        let (_, _, shown) = client.get(&format!("/api/device/{device}/")).await;
        shown["last_error"].as_str().is_some_and(|error| error.contains(why)).then_some(shown)
    })
    .await;
    assert_eq!(shown["status"], "offline", "{shown}");
}
