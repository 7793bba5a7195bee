//! `/api/product/`, and what of products, gateways and owners devices show.

use serde_json::{Value, json};

use super::check_rows;
use crate::support::{Server, assert_members};

fn shown(name: &str, is_default: bool, metadata: Value, templates: Value) -> Value {
    json!({
        "id": "*", "uuid": "*", "is_default": is_default, "name": name, "parent": null, "metadata": metadata,
        "templates": templates, "created_at": "*", "updated_at": "*",
    })
}

#[tokio::test]
async fn a_product_lives_from_post_to_delete() {
    let (_server, client) = Server::with_client(&[]).await;
    let sent =
        json!({"name": " Sensor ", "templates": [{"name": "t", "unit": "°C"}], "is_default": true, "id": 77});
    let made = client.post("/api/product/", &sent).await.created();
    assert_ne!(made["id"], 77, "id is read only");
    let one = format!("/api/product/{}/", made["id"]);
    let default = || shown("Default", true, json!({}), json!([]));
    let templates = json!([{"name": "t", "type": "fp64", "unit": "°C"}]);
    let fresh = || shown("Sensor", false, json!({}), templates.clone());
    let note = json!({"note": "ß"});
    let list = || "/api/product/".to_owned();
    check_rows![&client;
        "read_back", "GET", one.clone(), Value::Null, 200, fresh();
        "the_default_is_the_first", "GET", list(), Value::Null, 200, json!([default(), fresh()]);
        "a_page", "GET", "/api/product/?limit=1&offset=1".into(), Value::Null, 200, json!([fresh()]);
        "patch_merges", "PATCH", one.clone(), json!({"metadata": note}), 200, shown("Sensor", false, note, templates.clone());
        "put_resets_what_is_absent", "PUT", one.clone(), json!({"name": "S"}), 200, shown("S", false, json!({}), json!([]));
        "not_itself", "PATCH", one.clone(), json!({"parent": made["id"]}), 400,
            json!({"parent": ["A product may not be derived from itself."]});
        "delete", "DELETE", one.clone(), Value::Null, 204, Value::Null;
        "gone", "GET", one, Value::Null, 404, json!({"detail": "Not found."});
        "the_default_stays", "DELETE", "/api/product/1/".into(), Value::Null, 409, json!({"detail": "*"});
    ];

    let bad = |name, body, expected| (name, "POST", "/api/product/".to_owned(), body, 400, expected);
    let required = json!(["This field is required."]);
    check_rows![&client;
        bad("nothing", json!({}), json!({"name": required}));
        bad("taken", json!({"name": "Default"}), json!({"name": ["This field must be unique."]}));
        bad("no_such_parent", json!({"name": "p", "parent": 99}),
            json!({"parent": ["Invalid pk \"99\" - object does not exist."]}));
        bad("templates_no_list", json!({"name": "p", "templates": "x"}),
            json!({"templates": ["Expected a list of items but got type \"str\"."]}));
        bad("template_without_a_name", json!({"name": "p", "templates": [{}]}), json!({"templates": "*"}));
        bad("same_names", json!({"name": "p", "templates": [{"name": "a"}, {"name": "a"}]}),
            json!({"templates": ["a: This name is in use by another template."]}));
    ];
}

#[tokio::test]
async fn a_device_refers_to_its_product_gateway_and_owner() {
    let (server, client) = Server::with_client(&[]).await;
    server.basalt(&["user", "create", "ann"]).await.expect_success();
    let product = client.post("/api/product/", &json!({"name": "Sensor"})).await.body;
    let gateway = client.post("/api/device/", &json!({"name": "gateway", "protocol": "virtual"})).await.body;
    let body = json!({
        "name": "sub", "protocol": "virtual", "product": product["id"], "parent_device": gateway["id"], "owner": "ann",
    });
    let made = client.post("/api/device/", &body).await.created();
    for field in ["product", "parent_device", "owner"] {
        assert_eq!(made[field], body[field], "{field}");
    }
    let one = format!("/api/device/{}/", made["id"]);
    let no_row = |id: i64| json!([format!("Invalid pk \"{id}\" - object does not exist.")]);
    let bad = |name, body, expected| (name, "PATCH", one.clone(), body, 400, expected);
    check_rows![&client;
        bad("no_such_product", json!({"product": 99}), json!({"product": no_row(99)}));
        bad("no_such_gateway", json!({"parent_device": 99}), json!({"parent_device": no_row(99)}));
        bad("itself", json!({"parent_device": made["id"]}), json!({"parent_device": ["A device may not be below itself."]}));
        bad("no_such_user", json!({"owner": "eve"}), json!({"owner": ["User \"eve\" does not exist."]}));
        bad("blank", json!({"owner": " "}), json!({"owner": ["This field may not be blank."]}));
    ];
    let cleared = client.patch(&one, &json!({"owner": null, "parent_device": null, "product": null})).await;
    assert_members(&cleared.ok(), &json!({"owner": null, "parent_device": null, "product": null}));
}

#[tokio::test]
async fn sql_and_the_graph_show_what_rest_shows() {
    let (_server, client) = Server::with_client(&[]).await;
    let device = client.post("/api/device/", &json!({"name": "Press 1", "protocol": "virtual"})).await.body;
    let stream = client.post("/api/data/", &json!({"name": "Motor RPM", "device": device["id"]})).await.body;
    assert_eq!((&stream["channel"], &stream["pin"]), (&json!(1), &Value::Null));
    let rows = client.sql("SELECT key, external_id, product_id, parent_device_id, owner FROM devices").await;
    let expected = json!([{"key": device["key"], "external_id": "Press 1", "product_id": 1, "parent_device_id": null, "owner": null}]);
    assert_eq!(json!(rows), expected);
    let rows = client.sql("SELECT channel, pin, label FROM streams").await;
    assert_eq!(json!(rows), json!([{"channel": 1, "pin": 1, "label": "Motor_RPM"}]));
    let rows = client.sql("SELECT name, is_default FROM products").await;
    assert_eq!(json!(rows), json!([{"name": "Default", "is_default": true}]));
    let query = "{ devices { nodes { key externalId owner product { name isDefault } parentDevice { name } streams { nodes { channel pin label } } } } }";
    let answer = client.post("/graphql", &json!({"query": query})).await.ok();
    let expected = json!([{
        "key": device["key"], "externalId": "Press 1", "owner": null, "product": {"name": "Default", "isDefault": true},
        "parentDevice": null, "streams": {"nodes": [{"channel": 1, "pin": 1, "label": "Motor_RPM"}]},
    }]);
    assert_eq!(answer["data"]["devices"]["nodes"], expected, "{answer}");
}
