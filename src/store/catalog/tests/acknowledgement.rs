//! Acknowledgements of events, many at once, and what users have stored of themselves.

use sea_orm::ConnectionTrait;
use serde_json::{Map, Value, json};

use super::fixtures::*;
use crate::domain::event::{EventFilter, EventSpec, Level};
use crate::domain::org::NewUser;
use crate::domain::{EventId, Principal};
use crate::store::catalog::{Catalog, database};

async fn event(catalog: &Catalog, who: &Principal, message: &str) -> EventId {
    let spec = EventSpec {
        device: None,
        stream: None,
        kind: "alarm".to_owned(),
        level: Level::Warning,
        ts: START,
        message: message.to_owned(),
        url: String::new(),
        payload: json!({"a": message}).as_object().cloned().unwrap(),
        acknowledged: false,
        note: None,
    };
    catalog.events.create_event(who, spec).await.unwrap().id
}

pub(super) async fn many_events_are_acknowledged_or_none(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let ids = [event(&catalog, &ours, "Door open").await, event(&catalog, &ours, "50 % of it").await];
    let foreign = event(&catalog, &theirs, "x").await;
    let refused = catalog.events.acknowledge_events(&ours, &[ids[0], foreign], None).await;
    assert_eq!(
        refusal(refused),
        invalid(&[&format!("ids: Invalid pk \"{foreign}\" - object does not exist.")])
    );
    let done = catalog.events.acknowledge_events(&ours, &ids[..1], Some("seen".to_owned())).await.unwrap();
    assert_eq!(done, [ids[0]], "the refused call has acknowledged nothing");
    let done = catalog.events.acknowledge_events(&ours, &ids, None).await.unwrap();
    assert_eq!(done, [ids[1]]);
    drop(catalog);
    let catalog = place.open().await;
    let first = catalog.events.event(&ours, ids[0]).await.unwrap();
    assert_eq!(
        (first.spec.note.as_deref(), first.acknowledged_by.as_deref(), &first.spec.payload["a"]),
        (Some("seen"), Some("system"), &json!("Door open"))
    );
    let found = async |filter: EventFilter| -> Vec<EventId> {
        catalog.events.events(&ours, &filter).await.unwrap().iter().map(|event| event.id).collect()
    };
    let of_text = |text: &str| EventFilter { text: Some(text.to_owned()), ..EventFilter::default() };
    let rows =
        [("dOOR", vec![ids[0]]), ("% OF", vec![ids[1]]), ("_", vec![]), ("", ids.to_vec()), ("\0", vec![])];
    for (text, expected) in rows {
        assert_eq!(found(of_text(text)).await, expected, "{text:?}");
    }
    let unseen = EventFilter { acknowledged: Some(false), ..EventFilter::default() };
    assert_eq!(found(unseen.clone()).await, []);
    catalog.events.update_event(&ours, ids[0], |spec| spec.acknowledged = false).await.unwrap();
    assert_eq!(found(unseen).await, [ids[0]]);
    let first = catalog.events.event(&ours, ids[0]).await.unwrap();
    assert_eq!((first.acknowledged_at, first.acknowledged_by), (None, None));
}

pub(super) async fn preferences_are_of_one_user_and_go_with_it(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let person = async |name: &str| {
        let user = NewUser {
            name: name.to_owned(),
            password_hash: "$1".to_owned(),
            is_staff: true,
            is_superuser: false,
            is_viewer: false,
        };
        Principal::user(&catalog.users.create_user(&admin, user).await.unwrap())
    };
    let (ann, bob) = (person("ann").await, person("bob").await);
    let dark: Map<String, Value> = json!({"theme": "dark"}).as_object().cloned().unwrap();
    catalog.users.set_preferences(&ann, Map::new()).await.unwrap();
    catalog.users.set_preferences(&ann, dark.clone()).await.unwrap();
    assert_eq!(catalog.users.preferences(&ann).await.unwrap(), dark);
    assert_eq!(catalog.users.preferences(&bob).await.unwrap(), Map::new());
    assert_eq!(refusal(catalog.users.preferences(&admin).await), not_found());
    assert_eq!(place.open().await.users.preferences(&ann).await.unwrap(), dark);
    let id = catalog.users.acting_user(&ann).unwrap().id;
    catalog.users.delete_user(&admin, id).await.unwrap();
    assert_eq!(refusal(catalog.users.preferences(&ann).await), not_found());
    let db = database::connect(&place.url).await.unwrap();
    let left = sea_orm::Statement::from_string(db.get_database_backend(), "SELECT id FROM user_preferences");
    assert_eq!(db.query_all_raw(left).await.unwrap().len(), 0, "they went with the user");
    db.close().await.unwrap();
}
