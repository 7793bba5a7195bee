//! Sessions and the audit log.

use std::sync::Arc;

use super::fixtures::*;
use crate::domain::audit::{AccessDenial, Action, AuditChange, AuditFilter, AuditRecord, RequestOrigin};
use crate::domain::caller::Caller;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::org::{NewUser, User, UserChange};
use crate::domain::pagination::Pagination;
use crate::domain::user_role::UserRole;
use crate::domain::{KeyId, Kind, Micros, OrgId, Principal};
use crate::store::catalog::Catalog;
use crate::store::catalog::user::NewPassword;

const HOUR: i64 = 3_600_000_000;

pub(super) async fn person(catalog: &Catalog, who: &Principal, name: &str, is_superuser: bool) -> Arc<User> {
    let (name, password_hash) = (name.to_owned(), "$1".to_owned());
    let user = NewUser { name, password_hash, is_staff: true, is_superuser, is_viewer: false };
    catalog.users.create_user(who, user).await.unwrap()
}

fn origin(request: &str) -> Arc<RequestOrigin> {
    Arc::new(RequestOrigin::new(request, Some("10.0.0.7".parse().unwrap()), "request-1"))
}

pub(super) async fn begin(catalog: &Catalog, user: &User, token: u8) -> bool {
    let expires_at = Micros(START.0 + HOUR);
    catalog.users.create_session(user, [token; 32], expires_at, &origin("POST /api/session")).await.is_ok()
}

fn is_known(catalog: &Catalog, token: u8) -> bool {
    catalog.users.session_by_hash(&[token; 32], START).is_some()
}

async fn all(catalog: &Catalog, who: &Principal) -> Vec<AuditRecord> {
    catalog.audit.audit_log(who, &AuditFilter::default()).await.unwrap()
}

pub(super) async fn a_session_lasts_over_a_restart_until_its_time_is_over(place: TestDatabase) {
    let catalog = place.open().await;
    let ada = person(&catalog, &admin(&catalog), "ada", false).await;
    assert!(begin(&catalog, &ada, 1).await);
    drop(catalog);
    let catalog = place.open().await;
    let (session, user) = catalog.users.session_by_hash(&[1; 32], START).unwrap();
    assert_eq!((session.user, &user), (ada.id, &ada));
    assert!(!is_known(&catalog, 2));
    let end = session.expires_at;
    assert!(catalog.users.session_by_hash(&[1; 32], Micros(end.0 - 1)).is_some());
    assert!(catalog.users.session_by_hash(&[1; 32], end).is_none());
    catalog.users.purge_expired_sessions(Micros(end.0 - 1)).await.unwrap();
    assert!(is_known(&catalog, 1));
    catalog.users.purge_expired_sessions(end).await.unwrap();
    assert!(!is_known(&catalog, 1) && !is_known(&place.open().await, 1));
}

pub(super) async fn a_session_ends_with_what_it_stands_on(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let disabled = UserChange { enabled: Some(false), ..UserChange::default() };
    let names =
        ["out", "password", "disabled", "no_staff", "superuser_now", "same_role", "new_password", "deleted"];
    for (token, name) in (1..).zip(names) {
        let user = person(&catalog, &admin, name, false).await;
        assert!(begin(&catalog, &user, token).await, "{name}");
        assert!(begin(&catalog, &user, token + 100).await, "{name}");
        let own = Principal::user(&user);
        let session = catalog.users.session_by_hash(&[token; 32], START).unwrap().0;
        let mut lasts = (false, false);
        match name {
            "out" => {
                catalog.users.end_session(&own, session.id).await.unwrap();
                lasts = (false, true);
            }
            "password" => {
                let new = NewPassword { keep: Some(session.id), ..NewPassword::set("$2".to_owned()) };
                catalog.users.set_password(&own, user.id, new).await.unwrap();
                lasts = (true, false);
            }
            "disabled" => drop(catalog.users.update_user(&admin, user.id, disabled.clone()).await.unwrap()),
            "no_staff" => {
                let change = UserChange::to_role(UserRole::None);
                catalog.users.update_user(&admin, user.id, change).await.unwrap();
            }
            "superuser_now" => {
                let change = UserChange::to_role(UserRole::Superuser);
                catalog.users.update_user(&admin, user.id, change).await.unwrap();
            }
            "same_role" => {
                let change = UserChange::to_role(UserRole::Staff);
                catalog.users.update_user(&admin, user.id, change).await.unwrap();
                lasts = (true, true);
            }
            "new_password" => {
                let change = UserChange { password_hash: Some("$2".to_owned()), ..UserChange::default() };
                catalog.users.update_user(&admin, user.id, change).await.unwrap();
            }
            _ => catalog.users.delete_user(&admin, user.id).await.unwrap(),
        }
        for catalog in [&catalog, &place.open().await] {
            assert_eq!((is_known(catalog, token), is_known(catalog, token + 100)), lasts, "{name}");
        }
        assert_eq!(
            begin(&catalog, &user, token + 50).await,
            matches!(name, "out" | "superuser_now" | "same_role"),
            "{name}"
        );
    }
}

pub(super) async fn the_oldest_of_too_many_sessions_ends(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (ada, bob) =
        (person(&catalog, &admin, "ada", false).await, person(&catalog, &admin, "bob", false).await);
    assert!(begin(&catalog, &bob, 200).await);
    for token in 1..=51 {
        assert!(begin(&catalog, &ada, token).await);
    }
    for catalog in [&catalog, &place.open().await] {
        let known: Vec<u8> = (1..=200).filter(|token| is_known(catalog, *token)).collect();
        assert_eq!(known, (2..=51).chain([200]).collect::<Vec<_>>());
    }
}

pub(super) async fn people_are_changed_in_their_organization_only(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let ada = person(&catalog, &ours, "ada", true).await;
    let change = UserChange { enabled: Some(false), ..UserChange::default() };
    assert_eq!(refusal(catalog.users.update_user(&theirs, ada.id, change.clone()).await), not_found());
    assert_eq!(refusal(catalog.users.delete_user(&theirs, ada.id).await), not_found());
    let bob = person(&catalog, &ours, "bob", false).await;
    let own = Principal::user(&bob);
    assert_eq!(refusal(catalog.users.update_user(&own, ada.id, change).await), forbidden());
    assert_eq!(refusal(catalog.users.delete_user(&own, ada.id).await), forbidden());
    assert_eq!(
        refusal(catalog.users.set_password(&own, ada.id, NewPassword::set("$3".to_owned())).await),
        forbidden()
    );
    assert!(catalog.users.users(&own).is_empty());
}

pub(super) async fn superusers_manage_the_others_of_their_organization(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let ada = person(&catalog, &ours, "ada", true).await;
    let bob = person(&catalog, &ours, "bob", true).await;
    let eve = person(&catalog, &theirs, "eve", true).await;
    let own = Principal::user(&ada);
    let seen: Vec<_> = catalog.users.users(&own).iter().map(|user| user.id).collect();
    assert_eq!(seen, [ada.id, bob.id]);
    let change = UserChange::to_role(UserRole::Viewer);
    assert_eq!(refusal(catalog.users.update_user(&own, eve.id, change.clone()).await), not_found());
    assert_eq!(refusal(catalog.users.delete_user(&own, eve.id).await), not_found());
    assert_eq!(refusal(catalog.users.update_user(&own, ada.id, change.clone()).await).0, Kind::Conflict);
    assert_eq!(refusal(catalog.users.delete_user(&own, ada.id).await).0, Kind::Conflict);
    let changed = catalog.users.update_user(&own, bob.id, change.clone()).await.unwrap();
    assert_eq!(changed.role(), UserRole::Viewer);
    // Of two superusers who take the role from each other, the second has none any more.
    let late = Principal::user(&bob);
    assert_eq!(refusal(catalog.users.update_user(&late, ada.id, change).await), forbidden());
    assert_eq!(refusal(catalog.users.create_user(&late, new_user("mallory")).await), forbidden());
    let again = place.open().await;
    assert_eq!(again.users.user(&own, bob.id).unwrap().role(), UserRole::Viewer);
    catalog.users.delete_user(&own, bob.id).await.unwrap();
    assert_eq!(refusal(catalog.users.user(&own, bob.id)), not_found());
}

fn new_user(name: &str) -> NewUser {
    let (name, password_hash) = (name.to_owned(), "$1".to_owned());
    NewUser { name, password_hash, is_staff: false, is_superuser: false, is_viewer: true }
}

pub(super) async fn a_change_and_its_row_of_the_audit_log_are_one(place: TestDatabase) {
    let catalog = place.open().await;
    let owner = admin(&catalog);
    let made = catalog.keys.create_key(&owner, key_spec("robot"), secret("a")).await.unwrap();
    let who = key(owner.org, None, None).with_origin(&origin("POST /api/device"));
    assert_eq!(who.caller, Caller::Key(made.id));
    let device = catalog.devices.create_device(&who, DeviceSpec::new("d", Protocol::Virtual)).await.unwrap();
    let refused = catalog.devices.create_device(&who, DeviceSpec::new("d", Protocol::Virtual)).await;
    assert_eq!(refusal(refused).0, Kind::Invalid);
    let change = |spec: &mut DeviceSpec| {
        spec.name = "e".to_owned();
        spec.password = "secret".to_owned();
    };
    catalog.devices.update_device(&who, device.id, change).await.unwrap();
    catalog.devices.delete_device(&who, device.id).await.unwrap();
    let io = AuditChange::new(Action::Write, "data", 9).with(vec!["value"]);
    catalog.audit.append_audit(&who, io).await.unwrap();
    let rows = all(&place.open().await, &owner).await;
    let records: Vec<_> = rows
        .iter()
        .map(|r| {
            (
                r.actor.as_deref().unwrap(),
                r.actor_name.as_deref(),
                r.action.as_str(),
                r.row,
                r.fields.join(","),
            )
        })
        .collect();
    let (robot, id) = (Some("robot"), Some(device.id.0));
    assert_eq!(
        records,
        [
            ("system", None, "create", Some(made.id.0), String::new()),
            ("key:1", robot, "create", id, String::new()),
            ("key:1", robot, "update", id, "name,password".to_owned()),
            ("key:1", robot, "delete", id, String::new()),
            ("key:1", robot, "write", Some(9), "value".to_owned()),
        ]
    );
    let row = &rows[2];
    assert_eq!((row.kind.as_deref(), row.outcome.as_str(), row.count), (Some("device"), "ok", 1));
    let (address, request) = (row.address.as_deref(), row.request.as_str());
    assert_eq!(
        (address, request, row.request_id.as_str()),
        (Some("10.0.0.7"), "POST /api/device", "request-1")
    );
}

pub(super) async fn refusals_are_counted_and_written_before_anybody_reads(place: TestDatabase) {
    let catalog = place.open().await;
    let owner = admin(&catalog);
    let (known, unknown) = (origin("GET /api/device/9"), origin("GET /api/device"));
    known.identify(owner.org, Caller::Key(KeyId(7)));
    for _ in 0..3 {
        catalog.audit.count_denial(&known, AccessDenial::Hidden);
    }
    catalog.audit.count_denial(&unknown, AccessDenial::Unauthenticated);
    let records = |rows: Vec<AuditRecord>| -> Vec<(Option<String>, String, i64)> {
        rows.into_iter().map(|r| (r.actor, r.outcome, r.count)).collect()
    };
    let key = Some("key:7".to_owned());
    let nobody = (None, "unauthenticated".to_owned(), 1);
    assert_eq!(
        records(all(&catalog, &owner).await),
        [(key.clone(), "not_found".to_owned(), 3), nobody.clone()]
    );
    catalog.audit.count_denial(&known, AccessDenial::Hidden);
    catalog.audit.save_denials().await.unwrap();
    let expected = [(key, "not_found".to_owned(), 4), nobody];
    assert_eq!(records(all(&place.open().await, &owner).await), expected, "more of the same is the same row");
    catalog.audit.purge_audit_log(START).await.unwrap();
    assert_eq!(all(&catalog, &owner).await.len(), 2);
    catalog.audit.purge_audit_log(Micros(START.0 + HOUR)).await.unwrap();
    assert!(all(&catalog, &owner).await.is_empty());
}

pub(super) async fn the_audit_log_is_of_one_organization(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let staff = Principal::user(&*person(&catalog, &theirs, "staff", false).await);
    let chief = Principal::user(&*person(&catalog, &theirs, "chief", true).await);
    let of_theirs = device(&catalog, &staff, "theirs").await;
    device(&catalog, &ours, "ours").await;
    catalog.audit.count_denial(&origin("GET /"), AccessDenial::Unauthenticated);
    let narrow = key(theirs.org, Some(&[of_theirs.id]), None);
    let orgs = |rows: Vec<AuditRecord>| rows.into_iter().map(|row| row.org).collect::<Vec<Option<OrgId>>>();
    let (a, b) = (Some(ours.org), Some(theirs.org));
    let rows = [
        ("the_default_one_and_what_is_nobodys", &ours, vec![a, a, None]),
        ("another_one", &theirs, vec![b, b, b]),
        ("its_superuser", &chief, vec![b, b, b]),
        ("its_staff_sees_its_own", &staff, vec![b]),
        ("its_key", &key(theirs.org, None, None), vec![b, b, b]),
        ("its_restricted_key_sees_its_own", &narrow, vec![]),
    ];
    for (name, who, expected) in rows {
        assert_eq!(orgs(all(&catalog, who).await), expected, "{name}");
    }
    let page = |newest_first, after| AuditFilter {
        newest_first,
        after,
        page: Pagination { offset: 0, limit: 2 },
        ..AuditFilter::default()
    };
    for newest_first in [true, false] {
        let mut ids: Vec<i32> = Vec::new();
        loop {
            let some =
                catalog.audit.audit_log(&theirs, &page(newest_first, ids.last().copied())).await.unwrap();
            if some.is_empty() {
                break;
            }
            ids.extend(some.iter().map(|row| row.id));
        }
        let mut sorted = ids.clone();
        sorted.sort_unstable_by_key(|id| if newest_first { -id } else { *id });
        assert_eq!((ids.len(), ids), (3, sorted));
    }
}
