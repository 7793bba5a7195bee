//! Logins by a one-time link.

use std::sync::Arc;

use super::*;
use crate::app::App;
use crate::app::test_app::open;
use crate::app::user::UserRequest;
use crate::domain::org::UserChange;

const LOCAL: &str = "127.0.0.1";

fn origin(address: &str) -> Arc<RequestOrigin> {
    let address = address.parse().expect("an address");
    Arc::new(RequestOrigin::new("POST /api/session/link", Some(address), "r"))
}

async fn with_admin() -> (tempfile::TempDir, App, Principal) {
    let (dir, app) = open().await;
    let owner = app.access.system(None).expect("the default organization");
    let request = UserRequest {
        name: "admin".to_owned(),
        password: "correct horse".to_owned(),
        is_staff: true,
        is_superuser: false,
        is_viewer: false,
    };
    app.users.create_user(&owner, request).await.expect("a user");
    (dir, app, owner)
}

fn link(app: &App, owner: &Principal) -> String {
    app.sessions.issue_login_link(owner, "admin").expect("issued").expect("the user may log in")
}

#[tokio::test]
async fn a_link_logs_in_once_and_from_this_machine_only() {
    let (_dir, app, owner) = with_admin().await;
    let token = link(&app, &owner);
    for (name, token, address) in [
        ("elsewhere", token.as_str(), "10.0.0.7"),
        ("unknown", &session::generate(), LOCAL),
        ("no_token", "x", LOCAL),
    ] {
        let refused = app.sessions.log_in_by_link(token, &origin(address)).await.err().expect(name);
        assert_eq!((refused.kind, &*refused.fields[0].field), (Kind::Invalid, "token"), "{name}");
    }
    let Ok(begun) = app.sessions.log_in_by_link(&token, &origin("::ffff:127.0.0.1")).await else {
        panic!("the first use is refused");
    };
    let who = app.sessions.authenticate_session(&begun.token).expect("a session");
    assert_eq!(who.caller, Caller::User(begun.user.id));
    assert!(app.sessions.log_in_by_link(&token, &origin(LOCAL)).await.is_err(), "used up");
}

#[tokio::test]
async fn a_link_is_void_for_a_user_who_has_changed_since() {
    let (_dir, app, owner) = with_admin().await;
    let token = link(&app, &owner);
    app.users.set_password(&owner, "admin", "another horse".to_owned()).await.expect("changed");
    assert!(app.sessions.log_in_by_link(&token, &origin(LOCAL)).await.is_err(), "another password");
    let token = link(&app, &owner);
    let disabled = UserChange { enabled: Some(false), ..UserChange::default() };
    app.users.update_user(&owner, "admin", disabled).await.expect("disabled");
    assert!(app.sessions.log_in_by_link(&token, &origin(LOCAL)).await.is_err(), "disabled");
    assert_eq!(app.sessions.issue_login_link(&owner, "admin").expect("answered"), None);
    assert_eq!(app.sessions.issue_login_link(&owner, "nobody").expect_err("nobody").kind, Kind::NotFound);
    let stranger = Principal { caller: Caller::Key(crate::domain::KeyId(1)), ..owner };
    assert_eq!(app.sessions.issue_login_link(&stranger, "admin").expect_err("refused").kind, Kind::Forbidden);
}

#[test]
fn links_end_with_their_time_and_make_room() {
    let links = LoginLinks::default();
    let user = Arc::new(User {
        id: crate::domain::UserId(1),
        org: crate::domain::OrgId(1),
        name: "admin".to_owned(),
        password_hash: "hash".to_owned(),
        is_staff: true,
        is_superuser: false,
        is_viewer: false,
        enabled: true,
        created_at: Micros(0),
    });
    let add = |number: u8, end| {
        links.add(LoginLink { hash: [number; 32], user: Arc::clone(&user), expires_at: Micros(end) });
    };
    add(0, 10);
    assert!(links.take(&[0; 32], Micros(9)).is_some(), "in time");
    assert!(links.take(&[0; 32], Micros(9)).is_none(), "once");
    add(1, 10);
    assert!(links.take(&[1; 32], Micros(10)).is_none(), "too late");
    (0..9).for_each(|number| add(number, 20));
    assert!(links.take(&[0; 32], Micros(0)).is_none(), "the oldest made room");
    assert!(links.take(&[8; 32], Micros(0)).is_some());
}
