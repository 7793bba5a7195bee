//! `/api/channel/`: where notifications go, whose secrets are taken and never shown.

use serde_json::{Value, json};

use super::check_rows;
use crate::graphql::data;
use crate::support::Server;

fn webhook(version: i64, name: &str) -> Value {
    json!({"id": "*", "uuid": "*", "version": version, "name": name, "type": "WEBHOOK", "enabled": true, "recipients": [],
           "url": "http://127.0.0.1:9/…", "created_at": "*", "updated_at": "*"})
}

#[tokio::test]
async fn a_channel_lives_from_post_to_delete() {
    let (_server, client) = Server::with_client(&[]).await;
    let sent = json!({"name": "ops", "type": "WEBHOOK", "url": "http://127.0.0.1:9/hidden-path", "secret": "hidden-key"});
    let made = client.post("/api/channel/", &sent).await.created();
    assert!(!made.to_string().contains("hidden"), "{made}");
    let one = format!("/api/channel/{}/", made["uuid"].as_str().expect("a UUID"));
    let mail = json!({"id": "*", "uuid": "*", "version": 3, "name": "mail", "type": "EMAIL", "enabled": true,
                      "recipients": ["ops@plant.example"], "url": "", "created_at": "*", "updated_at": "*"});
    let no_mail = json!({"name": "x", "type": "EMAIL", "recipients": ["nobody"]});
    check_rows![&client;
        "read_back", "GET", one.clone(), Value::Null, 200, webhook(1, "ops");
        "tested", "POST", format!("{one}test/"), json!({}), 200, json!({"success": false, "error": "*"});
        "renamed_with_its_secret", "PATCH", one.clone(), json!({"name": "ops 2", "version": 1}), 200, webhook(2, "ops 2");
        "somebody_else_saved", "PATCH", one.clone(), json!({"name": "mine", "version": 1}), 409,
            json!({"detail": "the row has version 2 by now"});
        "of_another_type", "PUT", one.clone(), json!({"name": "mail", "type": "EMAIL", "recipients": ["ops@plant.example"]}),
            200, mail;
        "its_secret_is_gone", "PATCH", one.clone(), json!({"type": "WEBHOOK", "url": "http://127.0.0.1:9/x"}), 400,
            json!({"secret": ["must not be blank"]});
        "no_address", "POST", "/api/channel/".to_owned(), no_mail, 400,
            json!({"recipients[0]": ["must be an e-mail address such as ops@plant.example"]});
        "no_kind", "POST", "/api/channel/".to_owned(), json!({"name": "x", "type": "PIGEON"}), 400,
            json!({"type": "*", "recipients": "*"});
        "the_name_is_taken", "POST", "/api/channel/".to_owned(),
            json!({"name": "mail", "type": "EMAIL", "recipients": ["a@b.example"]}), 409,
            json!({"detail": "A notification channel with the name 'mail' exists"});
        "delete", "DELETE", one.clone(), Value::Null, 204, Value::Null;
        "gone", "GET", one, Value::Null, 404, json!({"detail": "Not found."});
    ];

    // The graph makes and tests channels as well, and shows no secret either.
    let make = "mutation { createNotificationChannel(input: {name: \"ops\", type: \"WEBHOOK\", url: \"http://127.0.0.1:9/hidden-path\",
        secret: \"hidden-key\"}) { notificationChannel { uuid name type url documentVersion } errors { field } } }";
    let made = data(&client, make, json!({})).await;
    assert!(!made.to_string().contains("hidden"), "{made}");
    let channel = &made["createNotificationChannel"]["notificationChannel"];
    let uuid = channel["uuid"].as_str().expect("a UUID");
    let change = format!(
        "mutation {{ testNotificationChannel(uuid: \"{uuid}\") {{ success errors {{ code }} }}
            none: testNotificationChannel(uuid: \"x\") {{ success error errors {{ code }} }}
            updateNotificationChannel(uuid: \"{uuid}\", version: 1, input: {{enabled: false}}) {{
                notificationChannel {{ enabled documentVersion }} errors {{ code }} }}
            again: updateNotificationChannel(uuid: \"{uuid}\", version: 1, input: {{enabled: true}}) {{ errors {{ code }} }}
            deleteNotificationChannel(uuid: \"{uuid}\") {{ deletedUuid }} }}"
    );
    let found = data(&client, &change, json!({})).await;
    let expected = json!({
        "testNotificationChannel": {"success": false, "errors": []},
        "none": {"success": false, "error": null, "errors": [{"code": "NOT_FOUND"}]},
        "updateNotificationChannel": {"notificationChannel": {"enabled": false, "documentVersion": 2}, "errors": []},
        "again": {"errors": [{"code": "CONFLICT"}]},
        "deleteNotificationChannel": {"deletedUuid": uuid},
    });
    assert_eq!(found, expected);
}
