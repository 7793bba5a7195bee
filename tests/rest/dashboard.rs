//! `/api/dashboard/`: the dashboards of the MK platform in our own words, with their versions.

use serde_json::{Value, json};

use super::check_rows;
use crate::graphql::data;
use crate::support::Server;

fn widget(id: &str) -> Value {
    json!({"id": id, "type": "LINE", "x": 0, "y": 0, "w": 12, "h": 4, "config": {"title": "t"}})
}

fn dashboard(version: i64, name: &str, layout: Value) -> Value {
    json!({"id": "*", "uuid": "*", "version": version, "name": name, "description": null, "layout": layout, "is_default": false,
           "created_by": "key:1", "pack": null, "created_at": "*", "updated_at": "*"})
}

#[tokio::test]
async fn a_dashboard_lives_from_post_to_delete() {
    let (_server, client) = Server::with_client(&[]).await;
    let outside =
        json!({"id": "a", "type": "LINE", "x": 20, "y": -1, "w": 5, "h": 1, "config": {"sensorIds": [1]}});
    let many: Vec<Value> = (0..101).map(|n| widget(&n.to_string())).collect();
    for (body, field) in [
        (json!({}), "name"),
        (json!({"name": "x".repeat(256)}), "name"),
        (json!({"name": "a", "description": "x".repeat(4001)}), "description"),
        (json!({"name": "a", "layout": {}}), "layout"),
        (json!({"name": "a", "layout": [{"id": "a"}]}), "layout"),
        (json!({"name": "a", "layout": many}), "layout"),
        (json!({"name": "a", "layout": [widget("a"), widget("a")]}), "layout[1].id"),
        (json!({"name": "a", "layout": [outside.clone()]}), "layout[0].y"),
        (json!({"name": "a", "layout": [outside.clone()]}), "layout[0].w"),
        (json!({"name": "a", "layout": [outside]}), "layout[0].config.sensorIds"),
        (json!({"name": "a", "is_default": "perhaps"}), "is_default"),
    ] {
        let answer = client.post("/api/dashboard/", &body).await.expect(400);
        assert!(answer[field].is_array(), "{field}: {answer}");
    }
    assert_eq!(client.get("/api/dashboard/").await.body, json!([]), "nothing was created");

    let sent = json!({"name": " Hall ", "layout": [widget("a")], "created_by": "somebody"});
    let made = client.post("/api/dashboard/", &sent).await;
    let one = format!("/api/dashboard/{}/", made["uuid"].as_str().expect("a UUID"));
    made.with_header("location", &one).created();
    let not_found = json!({"detail": "Not found."});
    let plain = json!({"id": "b", "type": "TEXT", "x": 0, "y": 4, "w": 24, "h": 1});
    let shown = json!({"id": "b", "type": "TEXT", "x": 0, "y": 4, "w": 24, "h": 1, "config": {}});
    check_rows![&client;
        "read_back", "GET", one.clone(), Value::Null, 200, dashboard(1, "Hall", json!([widget("a")]));
        "list", "GET", "/api/dashboard/".to_owned(), Value::Null, 200, json!([dashboard(1, "Hall", json!([widget("a")]))]);
        "behind_the_end", "GET", "/api/dashboard/?offset=1".to_owned(), Value::Null, 200, json!([]);
        "patch_keeps_the_rest", "PATCH", one.clone(), json!({"name": "Hall 2", "version": 1}), 200,
            dashboard(2, "Hall 2", json!([widget("a")]));
        "somebody_else_saved", "PATCH", one.clone(), json!({"name": "mine", "version": 1}), 409,
            json!({"detail": "the row has version 2 by now"});
        "put_resets", "PUT", one.clone(), json!({"name": "Hall 3", "layout": [plain], "version": 2}), 200,
            dashboard(3, "Hall 3", json!([shown]));
        "put_of_an_older_version", "PUT", one.clone(), json!({"name": "mine", "version": 2}), 409,
            json!({"detail": "the row has version 3 by now"});
        "delete", "DELETE", one.clone(), Value::Null, 204, Value::Null;
        "gone", "GET", one.clone(), Value::Null, 404, not_found.clone();
        "no_uuid", "GET", "/api/dashboard/1/".to_owned(), Value::Null, 404, not_found;
    ];
}

#[tokio::test]
async fn people_share_dashboards_and_the_graph_changes_the_same() {
    let server = Server::start(&[]).await;
    let mut ann = server.person("ann", &["--staff"]).await;
    let mut bob = server.person("bob", &["--staff"]).await;
    let made = ann.post("/api/dashboard/", &json!({"name": "Hall"})).await;
    let made = made.has(201, json!({"created_by": "ann"}));
    let uuid = made["uuid"].as_str().expect("a UUID");
    let path = format!("/api/dashboard/{uuid}/");
    let changed = bob.send("PATCH", &path, &json!({"name": "Hall 2", "version": 1})).await;
    changed.has(200, json!({"version": 2, "created_by": "ann"}));
    let client = server.client();
    let change = format!(
        "mutation {{ updateDashboard(uuid: \"{uuid}\", version: 1, input: {{name: \"x\"}}) {{ dashboard {{ name }} errors {{ code }} }}
            good: updateDashboard(uuid: \"{uuid}\", version: 2, input: {{layout: [{{id: \"a\", type: \"LINE\", x: 0, y: 0, w: 24, h: 2}}]}}) {{
                dashboard {{ documentVersion layout {{ type w }} }} errors {{ code }} }}
            none: updateDashboard(uuid: \"x\", input: {{}}) {{ errors {{ code }} }}
            createDashboard(input: {{name: \"\", layout: []}}) {{ dashboard {{ name }} errors {{ field }} }}
            deleteDashboard(uuid: \"{uuid}\") {{ deletedUuid errors {{ code }} }} }}"
    );
    let found = data(&client, &change, json!({})).await;
    let expected = json!({
        "updateDashboard": {"dashboard": null, "errors": [{"code": "CONFLICT"}]},
        "good": {"dashboard": {"documentVersion": 3, "layout": [{"type": "LINE", "w": 24}]}, "errors": []},
        "none": {"errors": [{"code": "NOT_FOUND"}]},
        "createDashboard": {"dashboard": null, "errors": [{"field": "name"}]},
        "deleteDashboard": {"deletedUuid": uuid, "errors": []},
    });
    assert_eq!(found, expected);
    ann.get(&path).await.expect(404);
}
