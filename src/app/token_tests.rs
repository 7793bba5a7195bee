//! Tests of clients and their tokens over a real catalog.

use tempfile::TempDir;

use super::*;
use crate::app::App;
use crate::app::client::ClientRequest;
use crate::app::test_app::open;
use crate::app::user::UserRequest;
use crate::domain::client::Permission;
use crate::domain::device::{DeviceFilter, DeviceSpec, Protocol};
use crate::domain::org::UserChange;

const PASSWORD: &str = "correct horse battery staple";

/// An application with two devices, of which `ann` owns one.
struct Plant {
    _dir: TempDir,
    app: App,
    owner: Principal,
}

impl Plant {
    async fn new() -> Self {
        let (dir, app) = open().await;
        let owner = app.access.system(None).expect("the default organization");
        for name in ["ann", "bob"] {
            let request = UserRequest {
                name: name.to_owned(),
                password: PASSWORD.to_owned(),
                is_staff: false,
                is_superuser: false,
                is_viewer: false,
            };
            app.users.create_user(&owner, request).await.expect("a user");
        }
        for (name, user) in [("press", Some("ann")), ("oven", None)] {
            let user = user.map(str::to_owned);
            let spec = DeviceSpec { owner: user, ..DeviceSpec::new(name, Protocol::Virtual) };
            app.devices.create_device(&owner, spec).await.expect("a device");
        }
        Self { _dir: dir, app, owner }
    }

    /// A client's id and secret.
    async fn client(&self, api: &str, user: Option<&str>, role: Option<&str>) -> (String, String) {
        let request = ClientRequest {
            api: api.to_owned(),
            name: "c".to_owned(),
            user: user.map(str::to_owned),
            role: role.map(str::to_owned),
        };
        let (client, secret) = self.app.clients.issue_client(&self.owner, &request).await.expect("a client");
        (client.secret.client_id.clone(), secret)
    }

    async fn issue(&self, client: &(String, String), grant: TokenGrant) -> Result<TokenPair, TokenError> {
        self.app.tokens.issue_tokens(&client.0, &client.1, grant, &origin()).await
    }

    /// Names of the devices that a token's principal sees.
    fn seen(&self, access: &ClientAccess) -> Vec<String> {
        let devices =
            self.app.devices.devices(&access.principal, &DeviceFilter::default()).expect("it may read");
        devices.iter().map(|device| device.spec.name.clone()).collect()
    }
}

fn origin() -> Arc<RequestOrigin> {
    Arc::new(RequestOrigin::new("POST /oauth2/token", None, "r"))
}

fn password(username: &str, password: &str) -> TokenGrant {
    TokenGrant::Password(Login { username: username.to_owned(), password: password.to_owned() })
}

#[tokio::test]
async fn a_token_sees_what_its_client_and_its_user_may() {
    let plant = Plant::new().await;
    let rows = [
        ("organization", (None, None), None, &["press", "oven"][..], "ORG_DEVICE_DATA_IMPORT"),
        ("of_a_user", (Some("ann"), None), None, &["press"], "OWN_DEVICES_VIEW"),
        (
            "of_a_user_with_a_role",
            (Some("ann"), Some("operator")),
            None,
            &["press", "oven"],
            "ORG_DEVICES_CONTROL",
        ),
        ("viewer", (None, Some("viewer")), Some("ann"), &["press"], "OWN_DEVICES_VIEW"),
        ("who_owns_nothing", (None, Some("viewer")), Some("bob"), &[], "OWN_DEVICES_VIEW"),
        ("org_viewer", (None, Some("org-viewer")), Some("bob"), &["press", "oven"], "ORG_DEVICES_VIEW"),
    ];
    for (name, (user, role), login, expected, permission) in rows {
        let client = plant.client("blynk", user, role).await;
        let grant = login.map_or(TokenGrant::ClientCredentials, |user| password(user, PASSWORD));
        let pair = plant.issue(&client, grant).await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!((pair.access.len(), pair.refresh.len()), (40, 40), "{name}");
        let access = plant.app.tokens.authenticate_access_token(&pair.access).expect(name);
        assert_eq!(plant.seen(&access), expected, "{name}");
        let permissions = access.client.permissions();
        assert!(Permission::ALL.iter().any(|p| p.name() == permission && permissions.contains(*p)), "{name}");
    }
}

#[tokio::test]
async fn a_grant_that_is_not_given_is_named() {
    let plant = Plant::new().await;
    let (org, users) =
        (plant.client("blynk", None, None).await, plant.client("blynk", None, Some("viewer")).await);
    let only_bob = plant.client("blynk", Some("bob"), None).await;
    let other_api = plant.client("instathings", None, None).await;
    let wrong_secret = (org.0.clone(), "x".repeat(43));
    let nobody = ("nobody".to_owned(), org.1.clone());
    let refresh = |text: &str| TokenGrant::RefreshToken(text.to_owned());
    let rows = [
        ("wrong_secret", &wrong_secret, TokenGrant::ClientCredentials, "InvalidClient"),
        ("unknown", &nobody, TokenGrant::ClientCredentials, "InvalidClient"),
        ("of_another_api", &other_api, TokenGrant::ClientCredentials, "InvalidClient"),
        ("not_user_scoped", &org, password("ann", PASSWORD), "UnauthorizedClient"),
        ("wrong_password", &users, password("ann", "guess"), "InvalidGrant"),
        ("unknown_user", &users, password("eve", PASSWORD), "InvalidGrant"),
        ("of_another_user", &only_bob, password("ann", PASSWORD), "InvalidGrant"),
        ("no_token", &org, refresh("x"), "InvalidGrant"),
        ("unknown_token", &org, refresh(&"x".repeat(40)), "InvalidGrant"),
    ];
    for (name, client, grant, expected) in rows {
        let error = plant.issue(client, grant).await.map(drop).expect_err(name);
        assert_eq!(format!("{error:?}"), expected, "{name}");
    }
}

#[tokio::test]
async fn a_refresh_token_is_used_once_by_its_client() {
    let plant = Plant::new().await;
    let (client, other) = (plant.client("blynk", None, None).await, plant.client("blynk", None, None).await);
    let first = plant.issue(&client, TokenGrant::ClientCredentials).await.expect("a pair");
    let again = || TokenGrant::RefreshToken(first.refresh.clone());
    assert!(matches!(plant.issue(&other, again()).await.map(drop), Err(TokenError::InvalidGrant)));
    let second = plant.issue(&client, again()).await.expect("a second pair");
    assert!(matches!(plant.issue(&client, again()).await.map(drop), Err(TokenError::InvalidGrant)));
    for pair in [&first, &second] {
        plant.app.tokens.authenticate_access_token(&pair.access).expect("both last until they expire");
    }
    let error = plant.app.tokens.authenticate_access_token(&first.refresh).expect_err("no access token");
    assert_eq!(error.kind, Kind::Unauthenticated);
}

#[tokio::test]
async fn tokens_end_with_their_client_and_their_user() {
    let plant = Plant::new().await;
    let (client, users) =
        (plant.client("blynk", None, None).await, plant.client("blynk", None, Some("admin")).await);
    let org = plant.issue(&client, TokenGrant::ClientCredentials).await.expect("a pair").access;
    let ann = plant.issue(&users, password("ann", PASSWORD)).await.expect("a pair").access;
    let bob = plant.issue(&users, password("bob", PASSWORD)).await.expect("a pair").access;
    let is_valid = |token: &str| plant.app.tokens.authenticate_access_token(token).is_ok();
    let access = plant.app.tokens.authenticate_access_token(&org).expect("valid");
    let credential = plant.app.feeds.live_client_credential(&access);
    credential.check().expect("valid");

    plant.app.clients.revoke_client_named(&plant.owner, None, &client.0).await.expect("revoked");
    assert!(!is_valid(&org) && is_valid(&ann));
    assert!(credential.check().is_err());
    let disabled = UserChange { enabled: Some(false), ..UserChange::default() };
    plant.app.users.update_user(&plant.owner, "ann", disabled).await.expect("disabled");
    assert!(!is_valid(&ann) && is_valid(&bob));
    plant
        .app
        .users
        .set_password(&plant.owner, "bob", "another good password".to_owned())
        .await
        .expect("changed");
    assert!(!is_valid(&bob));
    let again = plant.issue(&client, TokenGrant::ClientCredentials).await.map(drop);
    assert!(matches!(again, Err(TokenError::InvalidClient)));
}

#[tokio::test]
async fn a_jwt_is_of_one_organization_and_ends_with_its_client() {
    let plant = Plant::new().await;
    let client = plant.client("instathings", None, None).await;
    let token = plant.app.tokens.issue_jwt(&client.0, &client.1).await.expect("a token");
    let access = plant.app.tokens.authenticate_jwt(&token).await.expect("valid");
    assert_eq!(plant.seen(&access), ["press", "oven"]);
    assert_eq!(access.principal.org, plant.owner.org);
    let foreign = JwtClaims {
        project_id: "other".to_owned(),
        client_id: client.0.clone(),
        iat: 0,
        exp: i64::MAX / 2_000_000,
        jti: None,
    };
    let foreign = plant.app.tokens.jwt_key().await.expect("a key").sign(&foreign);
    assert!(plant.app.tokens.authenticate_jwt(&foreign).await.is_err(), "of another project");
    assert!(plant.app.tokens.authenticate_jwt(&format!("{token}x")).await.is_err(), "changed");
    let wrong = plant.app.tokens.issue_jwt(&client.0, "guess").await;
    assert!(matches!(wrong, Err(TokenError::InvalidClient)));
    plant
        .app
        .clients
        .revoke_client_named(&plant.owner, Some("instathings"), &client.0)
        .await
        .expect("revoked");
    assert!(plant.app.tokens.authenticate_jwt(&token).await.is_err(), "revoked");
}

/// Rest 21: processes that started in one second shared one token and with it one budget of requests.
#[tokio::test]
async fn tokens_of_one_second_are_different_ones() {
    let plant = Plant::new().await;
    let client = plant.client("instathings", None, None).await;
    let mut tokens = std::collections::HashSet::new();
    for _ in 0..20 {
        tokens.insert(plant.app.tokens.issue_jwt(&client.0, &client.1).await.expect("a token"));
    }
    assert_eq!(tokens.len(), 20);
}

#[tokio::test]
async fn a_preset_client_is_made_once_and_stays_revoked() {
    let plant = Plant::new().await;
    let preset =
        |text: &str| crate::app::client::client_preset("BASALT_BOOTSTRAP_BLYNK", text).expect("sound");
    for _ in 0..2 {
        plant.app.clients.bootstrap_client(ClientApi::Blynk, preset("plant:secret")).await.expect("made");
        plant
            .app
            .clients
            .bootstrap_client(ClientApi::Instathings, preset("plant:secret"))
            .await
            .expect("made");
    }
    assert_eq!(plant.app.clients.clients(&plant.owner).expect("the owner may").len(), 2);
    let client = ("plant".to_owned(), "secret".to_owned());
    plant.issue(&client, TokenGrant::ClientCredentials).await.expect("a pair");
    let both = plant
        .app
        .clients
        .revoke_client_named(&plant.owner, None, "plant")
        .await
        .expect_err("one of each API");
    assert!(both.message.contains("--api"), "{}", both.message);
    plant.app.clients.revoke_client_named(&plant.owner, Some("blynk"), "plant").await.expect("revoked");
    plant.app.clients.bootstrap_client(ClientApi::Blynk, preset("plant:secret")).await.expect("nothing");
    let refused = plant.issue(&client, TokenGrant::ClientCredentials).await.map(drop);
    assert!(matches!(refused, Err(TokenError::InvalidClient)));
}
