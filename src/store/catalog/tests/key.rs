//! Tests of API keys: look-up by prefix, validity, restrictions, and no more permissions than their creator has.

use std::sync::Arc;

use super::fixtures::*;
use crate::domain::document::{DashboardSpec, Document, DocumentKind, DocumentSpec, SiteSpec};
use crate::domain::key::KeySpec;
use crate::domain::{DeviceId, DocumentId, Micros, Principal, Resource, Scope, StreamId};
use crate::store::catalog::NewDocument;

pub(super) async fn a_key_is_found_by_its_prefix_until_and_after_it_is_revoked(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let made = catalog.keys.create_key(&admin, key_spec(" probe "), secret("bas_1234")).await.unwrap();
    assert_eq!(made.spec.name, "probe");
    assert_eq!(catalog.keys.key_by_prefix("bas_1234"), Some(made.clone()));
    assert_eq!(catalog.keys.key_by_prefix("bas_123"), None);
    assert!(made.is_valid_at(START));
    let revoked = catalog.keys.revoke_key(&admin, made.id).await.unwrap();
    assert!(!revoked.is_valid_at(START));
    assert_eq!(catalog.keys.revoke_key(&admin, made.id).await.unwrap(), revoked);
    assert_eq!(refusal(catalog.keys.revoke_key(&admin, crate::domain::KeyId(99)).await), not_found());
    drop(catalog);
    let stored = place.open().await.keys.key_by_prefix("bas_1234").unwrap();
    assert_eq!(stored, revoked);
    assert_eq!(stored.secret, secret("bas_1234"));
}

pub(super) async fn an_expired_key_is_not_valid(place: TestDatabase) {
    let catalog = place.open().await;
    let end = Micros(START.0 + 1_000_000);
    let spec = KeySpec { expires_at: Some(end), ..key_spec("short") };
    catalog.keys.create_key(&admin(&catalog), spec, secret("short")).await.unwrap();
    drop(catalog);
    let stored = place.open().await.keys.key_by_prefix("short").unwrap();
    assert!(stored.is_valid_at(START) && stored.is_valid_at(Micros(end.0 - 1)));
    assert!(!stored.is_valid_at(end));
}

pub(super) async fn a_key_limited_to_a_dashboard_sees_no_other_document(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let owner = device(&catalog, &admin, "press").await;
    let specs = [
        DocumentSpec::Dashboard(DashboardSpec::new("Hall")),
        DocumentSpec::Dashboard(DashboardSpec::new("Secret")),
        DocumentSpec::Site(SiteSpec::new("Plant")),
    ];
    let made = catalog.documents.create_documents(&admin, specs.map(NewDocument::new).into()).await.unwrap();
    let spec = KeySpec {
        devices: Some([owner.id].into()),
        dashboards: Some([made[0].id].into()),
        ..key_spec("panel")
    };
    catalog.keys.create_key(&admin, spec, secret("panel")).await.unwrap();
    drop(catalog);
    let catalog = place.open().await;
    let panel = catalog.keys.key_by_prefix("panel").unwrap().principal();
    assert_eq!(catalog.documents.documents(&panel, DocumentKind::Dashboard), [Arc::clone(&made[0])]);
    assert!(catalog.documents.documents(&panel, DocumentKind::Site).is_empty());
    let of =
        |row: &Document| catalog.documents.document(&panel, row.spec.kind(), row.uuid).map(|found| found.id);
    assert_eq!(of(&made[0]).ok(), Some(made[0].id));
    for hidden in &made[1..] {
        assert_eq!(refusal(of(hidden)), not_found(), "{}", hidden.name);
    }
    assert!(catalog.devices.device(&panel, owner.id).is_ok(), "its device is seen as before");
    // What is no dashboard cannot be listed, nor any of a key that sees every reading.
    let only =
        "allowed_dashboards: Only a key with allowed_devices or allowed_data can be limited to dashboards.";
    let missing = |id| format!("allowed_dashboards: Invalid pk \"{id}\" - object does not exist.");
    let site = made[2].id;
    for (devices, id, expected) in [
        (Some([owner.id].into()), site, missing(site)),
        (Some([owner.id].into()), DocumentId(99), missing(DocumentId(99))),
        (None, made[0].id, only.to_owned()),
    ] {
        let spec = KeySpec { devices, dashboards: Some([id].into()), ..key_spec("wrong") };
        assert_eq!(refusal(catalog.keys.create_key(&admin, spec, secret("w")).await), invalid(&[&expected]));
    }
}

pub(super) async fn a_key_says_what_is_wrong(place: TestDatabase) {
    let catalog = place.open().await;
    let (admin, other) = (admin(&catalog), other_org(&catalog).await);
    let theirs = device(&catalog, &other, "theirs").await;
    let spec = KeySpec {
        name: " ".to_owned(),
        devices: Some([theirs.id].into()),
        streams: Some([StreamId(99)].into()),
        ..key_spec("x")
    };
    assert_eq!(
        refusal(catalog.keys.create_key(&admin, spec, secret("a")).await),
        invalid(&[
            "name: This field may not be blank.",
            &format!("allowed_devices: Invalid pk \"{}\" - object does not exist.", theirs.id),
            "allowed_data: Invalid pk \"99\" - object does not exist.",
        ])
    );
    let many = KeySpec { devices: Some((1..=10_001).map(DeviceId).collect()), ..key_spec("many") };
    let too_many = invalid(&["allowed_devices: Ensure this field has no more than 10000 elements."]);
    assert_eq!(refusal(catalog.keys.create_key(&admin, many, secret("b")).await), too_many);
    catalog.keys.create_key(&admin, key_spec("one"), secret("same")).await.unwrap();
    let twin = catalog.keys.create_key(&other, key_spec("two"), secret("same")).await;
    assert_eq!(refusal(twin), invalid(&["prefix: This field must be unique."]));
}

pub(super) async fn nobody_grants_more_than_they_hold(place: TestDatabase) {
    let catalog = place.open().await;
    let reader = Principal {
        scopes: [Scope::read(Resource::Device)].into_iter().collect(),
        ..key(catalog.orgs.default_org(), None, None)
    };
    let write = KeySpec { scopes: [Scope::write(Resource::Device)].into_iter().collect(), ..key_spec("w") };
    assert_eq!(refusal(catalog.keys.create_key(&reader, write, secret("w")).await), forbidden());
    let read = KeySpec { scopes: reader.scopes, ..key_spec("r") };
    let made = catalog.keys.create_key(&reader, read, secret("r")).await.unwrap();
    drop(catalog);
    let stored = place.open().await.keys.key_by_prefix("r").unwrap();
    assert_eq!((stored.spec.scopes, stored), (reader.scopes, made));
}

pub(super) async fn keys_are_seen_by_their_organization_only(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let own = device(&catalog, &ours, "d").await;
    let key_of_ours = catalog.keys.create_key(&ours, key_spec("a"), secret("a")).await.unwrap();
    let key_of_theirs = catalog.keys.create_key(&theirs, key_spec("b"), secret("b")).await.unwrap();
    assert_eq!(catalog.keys.keys(&ours), vec![key_of_ours.clone()]);
    assert_eq!(catalog.keys.keys(&theirs), vec![key_of_theirs.clone()]);
    assert_eq!(refusal(catalog.keys.revoke_key(&ours, key_of_theirs.id).await), not_found());
    let restricted = key(ours.org, Some(&[own.id]), None);
    assert!(catalog.keys.keys(&restricted).is_empty());
    assert_eq!(refusal(catalog.keys.revoke_key(&restricted, key_of_ours.id).await), not_found());
    assert_eq!(refusal(catalog.keys.create_key(&restricted, key_spec("c"), secret("c")).await), forbidden());
}

pub(super) async fn uses_are_kept_in_memory_until_saved(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let made = catalog.keys.create_key(&admin, key_spec("a"), secret("a")).await.unwrap();
    let (early, late) = (Micros(START.0 + 1), Micros(START.0 + 2));
    catalog.keys.touch_key(made.id, late);
    catalog.keys.touch_key(made.id, early);
    assert_eq!(catalog.keys.keys(&admin)[0].last_used_at, Some(late), "the latest use counts");
    assert_eq!(place.open().await.keys.keys(&admin)[0].last_used_at, None);
    catalog.keys.save_last_used().await.unwrap();
    catalog.keys.save_last_used().await.unwrap();
    assert_eq!(catalog.keys.keys(&admin)[0].last_used_at, Some(late));
    assert_eq!(place.open().await.keys.keys(&admin)[0].last_used_at, Some(late));
}
