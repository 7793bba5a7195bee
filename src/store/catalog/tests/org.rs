//! Organizations and users.

use super::fixtures::*;
use crate::domain::org::NewUser;
use crate::domain::{Kind, Principal};
use crate::store::catalog::user::NewPassword;

fn person(name: &str) -> NewUser {
    NewUser {
        name: name.to_owned(),
        password_hash: "$argon2id$1".to_owned(),
        is_staff: true,
        is_superuser: false,
        is_viewer: false,
    }
}

pub(super) async fn the_default_organization_is_made_once(place: TestDatabase) {
    let first = place.open().await;
    let org = first.orgs.org_by_slug(&admin(&first), "default").unwrap();
    assert_eq!((org.id, first.orgs.org_count()), (first.orgs.default_org(), 1));
    drop(first);
    let again = place.open().await;
    assert_eq!((again.orgs.default_org(), again.orgs.org_count()), (org.id, 1));
}

pub(super) async fn only_the_administrator_manages_organizations_and_users(place: TestDatabase) {
    let catalog = place.open().await;
    let user = catalog.users.create_user(&admin(&catalog), person("ada")).await.unwrap();
    let anyone = key(catalog.orgs.default_org(), None, None);
    assert_eq!(refusal(catalog.orgs.create_org(&anyone, "x", "X").await), forbidden());
    assert_eq!(refusal(catalog.orgs.org_by_slug(&anyone, "default")), forbidden());
    assert_eq!(refusal(catalog.users.create_user(&anyone, person("bob")).await), forbidden());
    assert_eq!(refusal(catalog.users.user_by_name(&anyone, "ada")), forbidden());
    assert_eq!(
        refusal(catalog.users.set_password(&anyone, user.id, NewPassword::set(String::new())).await),
        forbidden()
    );
    assert!(catalog.orgs.orgs(&anyone).is_empty() && catalog.users.users(&anyone).is_empty());
}

pub(super) async fn organizations_and_users_say_what_is_wrong(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let taken = catalog.orgs.create_org(&admin, "default", "Again").await;
    assert_eq!(refusal(taken), invalid(&["slug: This field must be unique."]));
    let (kind, fields) = refusal(catalog.orgs.create_org(&admin, "Not A Slug", "").await);
    assert_eq!((kind, fields.len()), (Kind::Invalid, 2), "{fields:?}");
    catalog.users.create_user(&admin, person(" ada ")).await.unwrap();
    let other = other_org(&catalog).await;
    let taken = catalog.users.create_user(&other, person("ada")).await;
    assert_eq!(refusal(taken), invalid(&["name: This field must be unique."]));
    let blank = catalog.users.create_user(&admin, person("  ")).await;
    assert_eq!(refusal(blank), invalid(&["name: This field may not be blank."]));
}

pub(super) async fn a_user_belongs_to_one_organization_and_is_found_from_any(place: TestDatabase) {
    let catalog = place.open().await;
    let (admin, other) = (admin(&catalog), other_org(&catalog).await);
    let ada = catalog.users.create_user(&other, person("ada")).await.unwrap();
    assert_eq!(catalog.users.user_by_name(&admin, "ada").unwrap(), ada);
    assert_eq!(refusal(catalog.users.user_by_name(&admin, "Ada")), not_found());
    assert_eq!((catalog.users.users(&admin).len(), catalog.users.users(&other).len()), (0, 1));
    assert_eq!(
        refusal(catalog.users.set_password(&admin, ada.id, NewPassword::set("$2".to_owned())).await),
        not_found()
    );
    catalog.users.set_password(&other, ada.id, NewPassword::set("$2".to_owned())).await.unwrap();
    // Her own change was checked against the password that the administrator has replaced meanwhile.
    let after = |old| NewPassword { hash: "$2".to_owned(), verified: Some(old), keep: None };
    let late = catalog.users.set_password(&other, ada.id, after("$1")).await;
    assert_eq!(late.unwrap_err().kind, Kind::Conflict);
    catalog.users.set_password(&other, ada.id, after("$2")).await.unwrap();
    drop(catalog);
    let again = place.open().await;
    let stored = again.users.user_by_name(&Principal::system(again.orgs.default_org()), "ada").unwrap();
    assert_eq!((stored.password_hash.as_str(), stored.is_staff, stored.enabled), ("$2", true, true));
}
