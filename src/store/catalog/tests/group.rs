//! Groups and their members.

use super::fixtures::*;
use crate::domain::group::GroupSpec;
use crate::domain::pagination::Pagination;
use crate::domain::{GroupId, StreamId};

pub(super) async fn a_group_says_what_is_wrong(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let bad = GroupSpec { name: String::new(), description: "x".repeat(1001) };
    assert_eq!(
        refusal(catalog.groups.create_group(&ours, bad, Vec::new()).await),
        invalid(&[
            "name: This field may not be blank.",
            "description: Ensure this field has no more than 1000 characters.",
        ])
    );
    let line = group(&catalog, &ours, " Line A ").await;
    assert_eq!(line.spec.name, "Line A");
    group(&catalog, &theirs, "Line A").await;
    let second = group(&catalog, &ours, "Line B").await;
    let taken = invalid(&["name: This field must be unique."]);
    assert_eq!(refusal(catalog.groups.create_group(&ours, group_spec("Line A"), Vec::new()).await), taken);
    let renamed =
        catalog.groups.update_group(&ours, second.id, |spec| spec.name = "Line A".to_owned(), None).await;
    assert_eq!(refusal(renamed), taken);
    let described = catalog
        .groups
        .update_group(&ours, line.id, |spec| spec.description = "x".to_owned(), None)
        .await
        .unwrap();
    assert_eq!(catalog.groups.groups(&ours, Pagination::ALL), [described.clone(), second]);
    assert_eq!(catalog.groups.groups(&ours, Pagination { offset: 0, limit: 1 }), vec![described.clone()]);
    drop(catalog);
    assert_eq!(place.open().await.groups.group(&ours, line.id).unwrap(), described);
}

pub(super) async fn membership_is_replaced_as_a_whole(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let device_id = device(&catalog, &ours, "d").await.id;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(stream(&catalog, &ours, device_id, name).await.id);
    }
    let (one, two) = (group(&catalog, &ours, "1").await.id, group(&catalog, &ours, "2").await.id);
    set_members(&catalog, &ours, one, vec![ids[1], ids[0], ids[0]]).await.unwrap();
    assert_eq!(catalog.groups.group_members(&ours, one), ids[..2]);
    set_members(&catalog, &ours, two, vec![ids[1], ids[2]]).await.unwrap();
    for catalog in [&catalog, &place.open().await] {
        assert_eq!(catalog.groups.group_members(&ours, one), ids[..1]);
        assert_eq!(catalog.groups.group_members(&ours, two), ids[1..]);
        assert_eq!(catalog.streams.stream(&ours, ids[2]).unwrap().spec.group, Some(two));
    }
    let foreign = device(&catalog, &theirs, "d").await.id;
    let foreign = stream(&catalog, &theirs, foreign, "s").await.id;
    let pk = format!("data: Invalid pk \"{foreign}\" - object does not exist.");
    let refused = set_members(&catalog, &ours, one, vec![ids[0], foreign, StreamId(99)]).await;
    assert_eq!(refusal(refused), invalid(&[&pk]));
    set_members(&catalog, &ours, two, Vec::new()).await.unwrap();
    assert_eq!(catalog.groups.group_members(&ours, two), []);
    assert_eq!(catalog.groups.group_members(&ours, one), ids[..1]);
}

pub(super) async fn a_group_is_made_with_its_members_or_not_at_all(place: TestDatabase) {
    let catalog = place.open().await;
    let ours = admin(&catalog);
    let device_id = device(&catalog, &ours, "d").await.id;
    let id = stream(&catalog, &ours, device_id, "a").await.id;
    let pk = "data: Invalid pk \"99\" - object does not exist.";
    let refused = catalog.groups.create_group(&ours, group_spec("line"), vec![id, StreamId(99)]).await;
    assert_eq!(refusal(refused), invalid(&[pk]));
    assert!(catalog.groups.groups(&ours, Pagination::ALL).is_empty());
    let line = catalog.groups.create_group(&ours, group_spec("line"), vec![id]).await.unwrap();
    let rename = |spec: &mut GroupSpec| spec.name = "renamed".to_owned();
    let refused = catalog.groups.update_group(&ours, line.id, rename, Some(vec![StreamId(99)])).await;
    assert_eq!(refusal(refused), invalid(&[pk]));
    for catalog in [&catalog, &place.open().await] {
        assert_eq!(catalog.groups.group_members(&ours, line.id), [id]);
        assert_eq!(catalog.groups.group(&ours, line.id).unwrap(), line);
    }
}

pub(super) async fn deleting_a_group_leaves_its_streams(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let id = stream(&catalog, &admin, device, "s").await.id;
    let line = group(&catalog, &admin, "line").await.id;
    set_members(&catalog, &admin, line, vec![id]).await.unwrap();
    catalog.groups.delete_group(&admin, line).await.unwrap();
    for catalog in [&catalog, &place.open().await] {
        assert_eq!(refusal(catalog.groups.group(&admin, line)), not_found());
        assert_eq!(catalog.streams.stream(&admin, id).unwrap().spec.group, None);
        assert_eq!(catalog.groups.group_members(&admin, line), []);
    }
    let kept = catalog.streams.stream(&admin, id).unwrap();
    assert_eq!(place.open().await.streams.stream(&admin, id).unwrap(), kept);
}

pub(super) async fn groups_of_another_organization_do_not_exist(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let device = device(&catalog, &ours, "d").await.id;
    let id = stream(&catalog, &ours, device, "s").await.id;
    let line = group(&catalog, &ours, "line").await.id;
    set_members(&catalog, &ours, line, vec![id]).await.unwrap();
    for group in [line, GroupId(99)] {
        assert_eq!(refusal(catalog.groups.group(&theirs, group)), not_found());
        assert_eq!(refusal(catalog.groups.update_group(&theirs, group, |_| (), None).await), not_found());
        assert_eq!(refusal(catalog.groups.delete_group(&theirs, group).await), not_found());
        assert_eq!(refusal(set_members(&catalog, &theirs, group, Vec::new()).await), not_found());
        assert_eq!(catalog.groups.group_members(&theirs, group), []);
    }
    assert!(catalog.groups.groups(&theirs, Pagination::ALL).is_empty());
    assert_eq!(catalog.groups.group_members(&ours, line), [id]);
}

/// Security review 16.
pub(super) async fn a_restricted_key_changes_no_group(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (own, other) = (device(&catalog, &admin, "own").await.id, device(&catalog, &admin, "other").await.id);
    let mine = stream(&catalog, &admin, own, "mine").await.id;
    let hidden = stream(&catalog, &admin, other, "hidden").await.id;
    let line = group(&catalog, &admin, "line").await.id;
    set_members(&catalog, &admin, line, vec![mine, hidden]).await.unwrap();
    let who = key(admin.org, Some(&[own]), None);
    assert_eq!(catalog.groups.group_members(&who, line), [mine]);
    assert_eq!(catalog.groups.groups(&who, Pagination::ALL).len(), 1);
    let own = group(&catalog, &admin, "own").await.id;
    for id in [line, own] {
        assert_eq!(refusal(set_members(&catalog, &who, id, Vec::new()).await), forbidden());
        let renamed = catalog.groups.update_group(&who, id, |spec| spec.name = "x".to_owned(), None).await;
        assert_eq!(refusal(renamed), forbidden());
        assert_eq!(refusal(catalog.groups.delete_group(&who, id).await), forbidden());
    }
    assert_eq!(refusal(catalog.groups.create_group(&who, group_spec("x"), vec![mine]).await), forbidden());
    assert_eq!(catalog.groups.group_members(&admin, line), [mine, hidden]);
    assert_eq!(catalog.groups.group(&admin, line).unwrap().spec.name, "line");
}
