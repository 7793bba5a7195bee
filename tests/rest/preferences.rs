//! `/api/session/preferences/`: of people only, each their own, and gone with them.

use serde_json::json;

use crate::graphql::data;
use crate::support::{Browser, Server};

const PATH: &str = "/api/session/preferences/";

#[tokio::test]
async fn everybody_has_preferences_of_their_own() {
    let server = Server::start(&[]).await;
    let mut ann = server.person("ann", &["--staff"]).await;
    let mut bob = server.person("bob", &["--staff"]).await;
    let read = async |who: &mut Browser| who.get(PATH).await.ok();
    assert_eq!(read(&mut ann).await, json!({}));
    let dark = json!({"theme": "dark", "pinned": [1, {"a": null}]});
    for preferences in [json!({"theme": "light"}), dark.clone()] {
        ann.send("PUT", PATH, &preferences).await.is(200, &preferences);
    }
    assert_eq!((read(&mut ann).await, read(&mut bob).await), (dark.clone(), json!({})));
    let answer = ann.send("PUT", PATH, &json!({"text": "x".repeat(16 << 10)})).await.expect(400);
    assert!(answer["preferences"].is_array(), "{answer}");
    assert_eq!(read(&mut ann).await, dark, "what is refused changes nothing");
    server.basalt(&["user", "delete", "ann"]).await.expect_success();
    ann.get(PATH).await.expect(401);
    let mut ann = server.person("ann", &["--staff"]).await;
    assert_eq!(read(&mut ann).await, json!({}), "they went with the person");

    let client = server.client();
    client.get(PATH).await.expect(403);
    client.put(PATH, &json!({})).await.expect(403);
    client.without_key().get(PATH).await.expect(401);
    assert_eq!(data(&client, "{ preferences }", json!({})).await, json!({"preferences": null}));
}
