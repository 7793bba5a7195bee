//! A board on a panel: a superuser makes the link, a browser of its own opens it, and revoking its key ends it.

use serde_json::json;

use super::{AXE, PASSWORD, list, server};
use crate::support::run_python;

#[tokio::test]
async fn a_kiosk_link_shows_its_board_until_its_key_is_revoked() {
    let (server, stream) = server().await;
    server.create_user("ann", &["--superuser"]).await;
    let event = json!({"kind": "alarm", "level": "critical", "message": "too hot", "data": stream,
        "timestamp": 1_777_377_610, "url": "http://plant.test/manual"});
    server.client().post("/api/event-log/", &event).await.created();
    let args = [&server.url, "ann", PASSWORD, &server.key, &stream.to_string(), AXE];
    let seen = run_python("browse_kiosk.py", &args).await;

    assert_eq!(seen["complaints"], json!([]), "{seen}");
    assert_eq!(seen["findings"], json!([]), "what axe found");
    assert_eq!(seen["wide"], json!([]), "no page scrolls sideways");
    let (page, key) = seen["made"]["link"].as_str().unwrap().split_once("#key=").expect("behind the hash");
    assert_eq!(seen["made"]["name"], "Kiosk: Hall 3");
    assert_eq!((&seen["made"]["streams"], &seen["made"]["left"]), (&json!("2"), &json!(0)), "{seen}");

    let shown = &seen["shown"];
    assert_eq!(shown["address"], page, "the key is not in the address");
    assert_eq!(shown["streams"], "1", "a table sees only the stream of the board: {shown}");
    assert_eq!((&shown["links"], &shown["buttons"]), (&json!(0), &json!(0)), "{shown}");
    assert!(shown["kept"].as_str().unwrap().contains("41"), "{shown}");
    let requests = list(&seen["requests"]);
    assert!(requests.iter().all(|url| !url.contains(key)), "no address that was asked has the key");
    assert_eq!(seen["keys"], json!([format!("ApiKey {key}")]), "nothing is asked without it");
    assert_eq!(seen["ended"], json!({"widgets": 0, "saved": ""}));

    let query = "SELECT action FROM audit_log WHERE kind = 'key' AND actor_name = 'ann' ORDER BY id";
    assert_eq!(server.client().sql(query).await, [json!({"action": "create"}), json!({"action": "revoke"})]);
}
