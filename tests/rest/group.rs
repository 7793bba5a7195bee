//! Endpoints 10 to 15.

use serde_json::{Value, json};

use super::{check_rows, stream_of, with_stream};

const REQUIRED: &str = "This field is required.";

fn group(name: &str, description: &str, data: &[i64]) -> Value {
    json!({"id": "*", "name": name, "description": description, "data": data, "created_at": "*", "updated_at": "*"})
}

#[tokio::test]
async fn a_group_lives_from_post_to_delete() {
    let (_server, client, _, a) = with_stream("a", "fp64").await;
    let (_, b) = stream_of(&client, "b", "fp64").await;
    let sent = json!({"name": " Line A ", "description": "first", "data": [b, a, a], "id": 77});
    let made = client.post("/api/group/", &sent).await.created();
    let id = made["id"].as_i64().expect("an id");
    let one = format!("/api/group/{id}/");
    let of = |id: i64| format!("/api/data/{id}/");
    let group_of = |stream: Value| stream["group"].clone();
    assert_eq!(group_of(client.get(&of(a)).await.body), json!(id));
    check_rows![&client;
        "read_back", "GET", one.clone(), Value::Null, 200, group("Line A", "first", &[a, b]);
        "without_the_slash", "GET", format!("/api/group/{id}"), Value::Null, 200, made;
        "patch_merges", "PATCH", one.clone(), json!({"description": "x"}), 200, group("Line A", "x", &[a, b]);
        "members_are_replaced", "PATCH", one.clone(), json!({"data": [b]}), 200, group("Line A", "x", &[b]);
        "put_resets_but_moves_nobody", "PUT", one.clone(), json!({"name": "B"}), 200, group("B", "", &[b]);
        "put_with_members", "PUT", one.clone(), json!({"name": "B", "data": [a]}), 200, group("B", "", &[a]);
        "they_leave_another", "POST", "/api/group/".into(), json!({"name": "C", "data": [a]}), 201, group("C", "", &[a]);
        "this_one", "GET", one.clone(), Value::Null, 200, group("B", "", &[]);
        "back", "PATCH", one.clone(), json!({"data": [a, b]}), 200, group("B", "", &[a, b]);
        "list", "GET", "/api/group/".into(), Value::Null, 200, json!([group("B", "", &[a, b]), group("C", "", &[])]);
        "page", "GET", "/api/group/?offset=1&limit=1".into(), Value::Null, 200, json!([group("C", "", &[])]);
        "delete", "DELETE", one.clone(), Value::Null, 204, Value::Null;
        "delete_again", "DELETE", one.clone(), Value::Null, 404, json!({"detail": "Not found."});
        "gone", "GET", one, Value::Null, 404, json!({"detail": "Not found."});
    ];
    assert_eq!(group_of(client.get(&of(a)).await.body), Value::Null, "a stream outlives its group");

    let path = || "/api/group/".to_owned();
    let bad = |name, body, expected| (name, "POST", path(), body, 400, expected);
    let no_row = |id: i64| json!({"data": [format!("Invalid pk \"{id}\" - object does not exist.")]});
    check_rows![&client;
        bad("empty", json!({}), json!({"name": [REQUIRED]}));
        bad("all_at_once", json!({"name": "", "description": "x".repeat(1001), "data": [99]}),
            json!({
                "name": ["This field may not be blank."],
                "description": ["Ensure this field has no more than 1000 characters."],
                "data": ["Invalid pk \"99\" - object does not exist."]
            }));
        bad("null", json!({"name": "a", "data": null}), json!({"data": ["This field may not be null."]}));
        bad("no_list", json!({"name": "a", "data": "1"}), json!({"data": ["Expected a list of items but got type \"str\"."]}));
        bad("no_ids", json!({"name": "a", "data": ["x"]}),
            json!({"data": ["Incorrect type. Expected pk value, received str."]}));
        bad("no_row", json!({"name": "a", "data": [-1]}), no_row(-1));
        "a_sound_one", "POST", path(), json!({"name": "twin"}), 201, json!("*");
        bad("names_are_unique", json!({"name": "twin"}), json!({"name": ["This field must be unique."]}));
        "nothing_else_was_made", "GET", path(), Value::Null, 200,
            json!([group("C", "", &[]), group("twin", "", &[])]);
        "limits", "GET", "/api/group/?limit=0&offset=-1".into(), Value::Null, 400,
            json!({
                "limit": ["Ensure this value is greater than or equal to 1."],
                "offset": ["Ensure this value is greater than or equal to 0."]
            });
    ];
}
