//! Dashboards: stored as they are given, within bounds.

use serde_json::{Value, json};

use super::{NOBODY, Platform, id};
use crate::support::{assert_members, row_vec};

const DASHBOARDS: &str = "/api/v1/dashboards";

fn widget(id: &str) -> Value {
    json!({"id": id, "type": "LINE", "x": 0, "y": 0, "w": 12, "h": 6,
        "config": {"sensorIds": [NOBODY], "interval": "PT5M", "aggregation": "avg", "title": "Any"}})
}

#[tokio::test]
async fn a_dashboard_is_stored_as_it_is_given() {
    let (mut platform, admin) = Platform::with_admin().await;
    let user = platform.user(&platform.org, "member");
    let body = json!({"name": "Plant", "description": "All of it", "layout": [widget("a"), widget("b")],
        "isDefault": true});
    let made = user.create(DASHBOARDS, body.clone()).await;
    assert_members(&made, &body);
    assert_eq!((&made["createdBy"], &made["packId"]), (&json!("user_8f2c"), &Value::Null));
    let one = format!("{DASHBOARDS}/{}", id(&made));
    platform.server.crash().await;
    assert_eq!(admin.get(&one).await.body, made);
    let changed = admin.send("PUT", &one, &json!({"name": "Works", "layout": []})).await.ok();
    let shown = ["name", "description", "layout", "isDefault", "createdBy"].map(|name| changed[name].clone());
    assert_eq!(shown, [json!("Works"), Value::Null, json!([]), json!(false), json!("user_8f2c")]);
    assert_eq!((&changed["id"], &changed["createdAt"]), (&made["id"], &made["createdAt"]));
    // Names need not be unique.
    admin.create(DASHBOARDS, json!({"name": "Works", "layout": []})).await;
    let page = admin.get(&format!("{DASHBOARDS}?sort=name&size=1")).await;
    page.has(200, json!({"/page/totalElements": 2, "/content/0/name": "Works"}));
    admin.delete_once(&one).await;
}

#[tokio::test]
async fn a_layout_has_100_widgets_of_known_types_in_24_columns() {
    let (_platform, admin) = Platform::with_admin().await;
    let many = |count: usize| (0..count).map(|n| widget(&n.to_string())).collect::<Vec<_>>();
    let with = |name: &str, value: Value| {
        let mut changed = widget("a");
        changed[name] = value;
        json!([changed])
    };
    let rows: Vec<(Value, u16, Vec<&str>)> = row_vec![
        json!(many(100)), 201, vec![];
        json!(many(101)), 400, vec!["layout: size must be between 0 and 100"];
        json!([widget("a"), widget("a")]), 400, vec!["layout[1].id: must be unique"];
        with("type", json!("PIE")), 400, vec!["layout[0].type: must be one of LINE, GAUGE, STAT, TABLE, MAP, TEXT"];
        with("type", Value::Null), 400, vec!["layout[0].type: must not be null"];
        with("x", json!(13)), 400, vec!["layout[0].w: must be between 1 and 11"];
        with("w", Value::Null), 400, vec!["layout[0].w: must not be null"];
        with("w", json!(24)), 201, vec![];
        with("y", json!(-1)), 400, vec!["layout[0].y: must be between 0 and 9999"];
        with("x", json!(0.5)), 400, vec![];
        with("config", json!([])), 400, vec![];
        with("config", Value::Null), 201, vec![];
        json!({}), 400, vec![];
        json!([1]), 400, vec![];
    ];
    for (layout, expected, errors) in rows {
        let body = json!({"name": "d", "layout": layout});
        admin.send("POST", DASHBOARDS, &body).await.has_field_errors(expected, &errors);
    }
}
