//! Tests of clients and tokens: storage, who sees them, and what ends them.

use std::sync::Arc;

use super::fixtures::*;
use crate::domain::audit::RequestOrigin;
use crate::domain::client::{Client, ClientApi, ClientSecret, ClientSpec, Role};
use crate::domain::org::NewUser;
use crate::domain::token::TokenHashes;
use crate::domain::{Kind, Micros, Principal, Result, UserId};
use crate::store::catalog::user::NewPassword;
use crate::store::catalog::{Catalog, NewToken, OrgLimits};

fn spec() -> ClientSpec {
    ClientSpec { api: ClientApi::Blynk, name: "c".to_owned(), user: None, role: None, user_scoped: false }
}

fn client_secret(client_id: &str) -> ClientSecret {
    ClientSecret { client_id: client_id.to_owned(), hash: [0x80; 32] }
}

pub(super) async fn client(catalog: &Catalog, who: &Principal, client_id: &str) -> Arc<Client> {
    catalog.clients.create_client(who, spec(), client_secret(client_id)).await.unwrap()
}

async fn user(catalog: &Catalog, who: &Principal, name: &str) -> UserId {
    let (name, password_hash) = (name.to_owned(), "hash".to_owned());
    let user = NewUser { name, password_hash, is_staff: false, is_superuser: false, is_viewer: false };
    catalog.users.create_user(who, user).await.unwrap().id
}

fn hashes(n: u8) -> TokenHashes {
    TokenHashes { access: [n; 32], refresh: Some([n | 0x80; 32]) }
}

pub(super) async fn token(catalog: &Catalog, client: &Client, user: Option<UserId>, n: u8) -> Result<()> {
    let expires_at = Micros(START.0 + 1_000_000);
    let token = NewToken { client: client.id, user, hashes: hashes(n), expires_at };
    catalog.clients.create_token(token, &Arc::new(RequestOrigin::default())).await.map(drop)
}

pub(super) async fn a_client_is_found_by_its_id_in_its_api(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let made = client(&catalog, &ours, "plant").await;
    let twin = catalog.clients.create_client(&theirs, spec(), client_secret("plant")).await;
    assert_eq!(refusal(twin), invalid(&["client_id: This field must be unique."]));
    let other_api = ClientSpec { api: ClientApi::Instathings, ..spec() };
    catalog.clients.create_client(&ours, other_api, client_secret("plant")).await.unwrap();
    for catalog in [&catalog, &place.open().await] {
        assert_eq!(catalog.clients.client_for_login(ClientApi::Blynk, "plant").as_ref(), Some(&made));
        assert_eq!(catalog.clients.client_for_login(ClientApi::Mk, "plant"), None);
        assert_eq!((catalog.clients.clients(&ours).len(), catalog.clients.clients(&theirs).len()), (2, 0));
        assert_eq!(refusal(catalog.clients.client(&theirs, made.id)), not_found());
        assert!(catalog.clients.clients(&key(ours.org, Some(&[]), None)).is_empty());
    }
    assert_eq!(refusal(catalog.clients.revoke_client(&theirs, made.id).await), not_found());
    let revoked = catalog.clients.revoke_client(&ours, made.id).await.unwrap();
    assert!(!revoked.enabled && revoked.revoked_at.is_some());
    assert_eq!(catalog.clients.revoke_client(&ours, made.id).await.unwrap(), revoked, "again");
    assert_eq!(place.open().await.clients.client(&ours, made.id).unwrap(), revoked);
}

pub(super) async fn a_client_says_what_is_wrong(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let foreign = user(&catalog, &theirs, "eve").await;
    let absent = ["user: There is no such user in this organization."];
    let rows = [
        ("foreign_user", ClientSpec { user: Some(foreign), ..spec() }, &absent[..]),
        ("unknown_user", ClientSpec { user: Some(UserId(99)), ..spec() }, &absent),
        ("blank", ClientSpec { name: String::new(), ..spec() }, &["name: This field may not be blank."]),
    ];
    for (name, spec, expected) in rows {
        let refused = catalog.clients.create_client(&ours, spec, client_secret("x")).await;
        assert_eq!(refusal(refused), invalid(expected), "{name}");
    }
    let restricted = key(ours.org, Some(&[]), None);
    assert_eq!(
        refusal(catalog.clients.create_client(&restricted, spec(), client_secret("x")).await),
        forbidden()
    );
    catalog.orgs.set_org_limits(OrgLimits { clients: 1, ..OrgLimits::default() });
    let first = client(&catalog, &ours, "a").await;
    let (kind, _) = refusal(catalog.clients.create_client(&ours, spec(), client_secret("b")).await);
    assert_eq!(kind, Kind::LimitReached);
    catalog.clients.revoke_client(&ours, first.id).await.unwrap();
    client(&catalog, &ours, "b").await;
}

pub(super) async fn tokens_survive_a_restart_and_end_with_what_they_stand_on(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (ann, bob) = (user(&catalog, &admin, "ann").await, user(&catalog, &admin, "bob").await);
    let (kept, revoked) = (client(&catalog, &admin, "a").await, client(&catalog, &admin, "b").await);
    let of_bob = ClientSpec { user: Some(bob), role: Some(Role::Viewer), user_scoped: true, ..spec() };
    let of_bob = catalog.clients.create_client(&admin, of_bob, client_secret("c")).await.unwrap();
    for (n, (client, user)) in
        [(&kept, None), (&kept, Some(ann)), (&revoked, None), (&of_bob, Some(bob))].into_iter().enumerate()
    {
        token(&catalog, client, user, n as u8 + 1).await.unwrap();
    }
    let refused = refusal(token(&catalog, &of_bob, Some(ann), 9).await);
    assert_eq!(refused.0, Kind::Unauthenticated, "a client of one user is not another's");
    let found = |catalog: &Catalog| -> Vec<u8> {
        (1..=4).filter(|n| catalog.clients.token_by_access(&[*n; 32], START).is_some()).collect()
    };
    assert_eq!((found(&catalog), found(&place.open().await)), (vec![1, 2, 3, 4], vec![1, 2, 3, 4]));
    catalog.clients.revoke_client(&admin, revoked.id).await.unwrap();
    assert_eq!((found(&catalog), found(&place.open().await)), (vec![1, 2, 4], vec![1, 2, 4]));
    catalog.users.set_password(&admin, ann, NewPassword::set("other".to_owned())).await.unwrap();
    assert_eq!((found(&catalog), found(&place.open().await)), (vec![1, 4], vec![1, 4]));
    catalog.users.delete_user(&admin, bob).await.unwrap();
    assert_eq!((found(&catalog), found(&place.open().await)), (vec![1], vec![1]));
    assert_eq!(
        refusal(catalog.clients.client(&admin, of_bob.id)),
        not_found(),
        "it acted for that user only"
    );
    assert_eq!(catalog.clients.token_by_access(&[1; 32], Micros(START.0 + 1_000_000)), None, "expired");
    catalog.clients.purge_expired_tokens(Micros(START.0 + 1_000_000)).await.unwrap();
    assert!(found(&catalog).is_empty() && found(&place.open().await).is_empty());
}

pub(super) async fn a_refresh_token_is_used_once_however_concurrently(place: TestDatabase) {
    let catalog = Arc::new(place.open().await);
    let admin = admin(&catalog);
    let client = client(&catalog, &admin, "a").await;
    token(&catalog, &client, None, 1).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 2..12 {
        let (catalog, client) = (Arc::clone(&catalog), Arc::clone(&client));
        tasks.spawn(async move {
            let expires_at = Micros(START.0 + 1_000_000);
            let origin = Arc::new(RequestOrigin::default());
            let token = NewToken { client: client.id, user: None, hashes: hashes(n), expires_at };
            catalog.clients.refresh_token(&[0x81; 32], token, &origin).await.is_ok()
        });
    }
    let made = tasks.join_all().await.into_iter().filter(|is_made| *is_made).count();
    assert_eq!(made, 1);
    let again = place.open().await;
    let valid = (1..12).filter(|n| again.clients.token_by_access(&[*n; 32], START).is_some()).count();
    assert_eq!(valid, 2, "the first access token lasts until it expires");
}
