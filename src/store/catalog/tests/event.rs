//! The event log.

use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use super::fixtures::*;
use crate::domain::audit::Action;
use crate::domain::event::{Event, EventFilter, EventSpec, Level};
use crate::domain::pagination::Pagination;
use crate::domain::{DeviceId, EventId, Micros, StreamId};

fn spec(kind: &str, second: i64) -> EventSpec {
    EventSpec {
        device: None,
        stream: None,
        kind: kind.to_owned(),
        level: Level::Info,
        ts: Micros(START.0 + second * 1_000_000),
        message: String::new(),
        url: String::new(),
        payload: Default::default(),
        acknowledged: false,
        note: None,
    }
}

fn ids(events: &[Event]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

pub(super) async fn an_event_comes_back_as_it_was_given(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let stream = stream(&catalog, &admin, device, "s").await.id;
    let complete = EventSpec {
        device: Some(device),
        stream: Some(stream),
        level: Level::Critical,
        message: "Door open".to_owned(),
        url: "http://10.0.0.5/status.html".to_owned(),
        payload: json!({"a": [1, {"b": null}]}).as_object().unwrap().clone(),
        ..spec("alarm", 0)
    };
    let made = catalog.events.create_event(&admin, complete.clone()).await.unwrap();
    assert_eq!((&made.spec, made.org), (&complete, admin.org));
    let changed =
        catalog.events.update_event(&admin, made.id, |spec| spec.acknowledged = true).await.unwrap();
    let acknowledged_by = Some("system".to_owned());
    let acknowledged_at = changed.acknowledged_at;
    assert!(acknowledged_at.is_some());
    let spec = EventSpec { acknowledged: true, ..complete };
    assert_eq!(changed, Event { spec, acknowledged_at, acknowledged_by, ..made });
    drop(catalog);
    let again = place.open().await;
    assert_eq!(again.events.event(&admin, changed.id).await.unwrap(), changed);
    again.events.delete_event(&admin, changed.id).await.unwrap();
    assert_eq!(refusal(again.events.event(&admin, changed.id).await), not_found());
}

pub(super) async fn an_event_says_what_is_wrong(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let foreign = device(&catalog, &theirs, "d").await.id;
    let bad = EventSpec {
        device: Some(foreign),
        stream: Some(StreamId(99)),
        kind: "not a slug".to_owned(),
        url: "ftp://x".to_owned(),
        message: "x".repeat(4001),
        ..spec("", 0)
    };
    assert_eq!(
        refusal(catalog.events.create_event(&ours, bad).await),
        invalid(&[
            "kind: Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.",
            "message: Ensure this field has no more than 4000 characters.",
            "url: Enter a valid URL.",
            &format!("device: Invalid pk \"{foreign}\" - object does not exist."),
            "data: Invalid pk \"99\" - object does not exist.",
        ])
    );
}

pub(super) async fn events_are_filtered_ordered_and_paged(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let mut made = Vec::new();
    for (kind, second) in [("a", 2), ("b", 1), ("c", 2), ("a", 3)] {
        let device = (kind == "a").then_some(device);
        made.push(
            catalog.events.create_event(&admin, EventSpec { device, ..spec(kind, second) }).await.unwrap().id,
        );
    }
    let list = async |filter: EventFilter| ids(&catalog.events.events(&admin, &filter).await.unwrap());
    let all = EventFilter::default;
    let by_age = [made[1], made[0], made[2], made[3]];
    assert_eq!(list(all()).await, by_age);
    let newest = EventFilter { newest_first: true, ..all() };
    assert_eq!(list(newest.clone()).await, [made[3], made[0], made[2], made[1]], "ties by id ascending");
    let page = Pagination { offset: 1, limit: 2 };
    assert_eq!(list(EventFilter { page, ..newest }).await, [made[0], made[2]]);
    let newest_order = [made[3], made[0], made[2], made[1]];
    for (newest_first, order) in [(false, by_age), (true, newest_order)] {
        let page = Pagination { offset: 0, limit: 1 };
        let mut behind = EventFilter { page, newest_first, ..all() };
        for id in order {
            let found = catalog.events.events(&admin, &behind).await.unwrap();
            assert_eq!(ids(&found), [id], "one after the other");
            behind.after = Some((found[0].spec.ts, id));
        }
        assert_eq!(list(behind).await, []);
    }
    let at = |second: i64| Some(Micros(START.0 + second * 1_000_000));
    assert_eq!(list(EventFilter { from: at(1), to: at(2), ..all() }).await, by_age[..3]);
    assert_eq!(list(EventFilter { from: at(3), to: at(2), ..all() }).await, []);
    let kinds = Some(vec!["b".to_owned(), "c".to_owned(), "\0".to_owned()]);
    assert_eq!(list(EventFilter { kinds, ..all() }).await, [made[1], made[2]]);
    assert_eq!(list(EventFilter { kinds: Some(Vec::new()), ..all() }).await, []);
    assert_eq!(list(EventFilter { device: Some(device), ..all() }).await, [made[0], made[3]]);
}

pub(super) async fn events_of_another_organization_do_not_exist(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let id = catalog.events.create_event(&ours, spec("a", 0)).await.unwrap().id;
    for id in [id, EventId(99)] {
        assert_eq!(refusal(catalog.events.event(&theirs, id).await), not_found());
        assert_eq!(refusal(catalog.events.update_event(&theirs, id, |_| ()).await), not_found());
        assert_eq!(refusal(catalog.events.delete_event(&theirs, id).await), not_found());
    }
    assert!(catalog.events.events(&theirs, &EventFilter::default()).await.unwrap().is_empty());
    assert!(catalog.events.event(&ours, id).await.is_ok());
}

pub(super) async fn a_restricted_key_sees_events_of_its_own(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (own, other) = (device(&catalog, &admin, "own").await.id, device(&catalog, &admin, "other").await.id);
    let given = stream(&catalog, &admin, other, "given").await.id;
    let of =
        |device: Option<DeviceId>, stream: Option<StreamId>| EventSpec { device, stream, ..spec("a", 0) };
    let mut made = Vec::new();
    for spec in [of(None, None), of(Some(own), None), of(Some(other), None), of(None, Some(given))] {
        made.push(catalog.events.create_event(&admin, spec).await.unwrap().id);
    }
    let by_device = key(admin.org, Some(&[own]), None);
    let by_stream = key(admin.org, None, Some(&[given]));
    for (who, seen) in [(&by_device, made[1]), (&by_stream, made[3])] {
        assert_eq!(ids(&catalog.events.events(who, &EventFilter::default()).await.unwrap()), [seen]);
        for id in made.iter().copied().filter(|id| *id != seen) {
            assert_eq!(refusal(catalog.events.event(who, id).await), not_found());
            assert_eq!(refusal(catalog.events.update_event(who, id, |_| ()).await), not_found());
            assert_eq!(refusal(catalog.events.delete_event(who, id).await), not_found());
        }
        assert_eq!(refusal(catalog.events.create_event(who, of(None, None)).await), forbidden());
        let lost =
            catalog.events.update_event(who, seen, |spec| (spec.device, spec.stream) = (None, None)).await;
        assert_eq!(refusal(lost), forbidden());
        catalog.events.update_event(who, seen, |spec| spec.acknowledged = true).await.unwrap();
    }
    let absent = format!("device: Invalid pk \"{other}\" - object does not exist.");
    assert_eq!(
        refusal(catalog.events.create_event(&by_device, of(Some(other), None)).await),
        invalid(&[&absent])
    );
    catalog.events.create_event(&by_device, of(Some(own), None)).await.unwrap();
    catalog.events.delete_event(&by_stream, made[3]).await.unwrap();
}

pub(super) async fn an_event_does_not_tell_ids_that_are_not_seen(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (own, other) = (device(&catalog, &admin, "own").await.id, device(&catalog, &admin, "other").await.id);
    let hidden = stream(&catalog, &admin, other, "hidden").await.id;
    let both = EventSpec { device: Some(own), stream: Some(hidden), ..spec("a", 0) };
    let id = catalog.events.create_event(&admin, both.clone()).await.unwrap().id;
    let who = key(admin.org, Some(&[own]), None);
    let seen = catalog.events.event(&who, id).await.unwrap();
    assert_eq!((seen.spec.device, seen.spec.stream), (Some(own), None));
    assert_eq!(catalog.events.events(&who, &EventFilter::default()).await.unwrap(), [seen]);
    let changed =
        catalog.events.update_event(&who, id, |spec| spec.message = "seen".to_owned()).await.unwrap();
    assert_eq!(changed.spec.stream, None);
    let stored = catalog.events.event(&admin, id).await.unwrap();
    assert_eq!(stored.spec, EventSpec { message: "seen".to_owned(), ..both });
}

/// A subscriber never lags because of changes in another organization.
pub(super) async fn followers_are_behind_only_by_events_of_their_organization(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let mut follower = catalog.events.subscribe_event_changes(&ours);
    let foreign = catalog.events.create_event(&theirs, spec("a", 0)).await.unwrap();
    let own = catalog.events.create_event(&ours, spec("a", 0)).await.unwrap();
    // More changes than a channel holds.
    for _ in 0..5000 {
        catalog.core.notifier.notify_event(Action::Update, &foreign, None);
    }
    assert_eq!(follower.recv().await.unwrap().id, own.id);
    assert!(follower.try_recv().is_err(), "nothing of theirs is told");
    for _ in 0..5000 {
        catalog.core.notifier.notify_event(Action::Update, &own, None);
    }
    assert!(matches!(follower.recv().await, Err(RecvError::Lagged(_))), "its own are told up to a bound");
    drop(follower);
    catalog.core.notifier.notify_event(Action::Update, &own, None);
    assert_eq!(catalog.core.notifier.subscribed_orgs(), 0, "nothing is kept for nobody");
}
