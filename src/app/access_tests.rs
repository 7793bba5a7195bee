//! Tests of keys, the local control token and the owner's commands over a real catalog.

use super::*;
use crate::app::client::client_preset;
use crate::app::control::{Command, CommandOutcome};
use crate::app::test_app::open;
use crate::domain::Progress;
use crate::domain::client::ClientApi;
use crate::domain::device::{DeviceSpec, Protocol};

const CHOSEN: &str = "a-secret-that-somebody-chose-for-a-start";

fn request(scopes: &[&str], devices: &[i32]) -> KeyRequest {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    KeyRequest { name: "k".into(), scopes, devices: devices.to_vec(), ..KeyRequest::default() }
}

fn kind_of<T>(result: Result<T>) -> Kind {
    result.err().expect("refused").kind
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_until_it_is_revoked() {
    let (_dir, app) = open().await;
    let owner = app.access.system(None).expect("the owner");
    let device =
        app.devices.create_device(&owner, DeviceSpec::new("d", Protocol::Virtual)).await.expect("a device");
    let (key, secret) =
        app.access.create_key(&owner, &request(&["value:read"], &[device.id.0])).await.expect("a key");

    let who = app.access.authenticate_key(&secret).expect("known");
    assert_eq!(who.caller, Caller::Key(key.id));
    assert_eq!(who.devices, Some(BTreeSet::from([device.id])));
    assert_eq!(who.scopes.iter().map(|s| s.to_string()).collect::<Vec<_>>(), ["value:read"]);

    app.access.revoke_key(&owner, key.id).await.expect("revoked");
    for (name, secret) in [("revoked", secret.as_str()), ("unknown", CHOSEN), ("no_key_at_all", "")] {
        let error = app.access.authenticate_key(secret).expect_err(name);
        assert_eq!(
            (error.kind, error.message.as_str()),
            (Kind::Unauthenticated, "Invalid API key."),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_what_does_not_exist_is_refused_with_every_reason() {
    let (_dir, app) = open().await;
    let owner = app.access.system(None).expect("the owner");
    let mut wrong = request(&["value:read", "value:reed"], &[7]);
    wrong.data = vec![8];
    wrong.expires = Some("next summer".to_owned());
    wrong.name = String::new();
    let error = app.access.create_key(&owner, &wrong).await.expect_err("refused");
    let fields: Vec<_> = error.fields.iter().map(|f| f.field.as_ref()).collect();
    assert_eq!(fields, ["name", "scope", "expires", "device", "data"], "{error}");
    assert!(app.access.keys(&owner).expect("a list").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_at_the_time_it_was_given_and_not_in_the_past() {
    let (_dir, app) = open().await;
    let owner = app.access.system(None).expect("the owner");
    let ends = |text: &str| KeyRequest { expires: Some(text.to_owned()), ..request(&[], &[]) };
    for past in ["2020-01-31", "0"] {
        let error = app.access.create_key(&owner, &ends(past)).await.expect_err(past);
        assert!(error.message.contains("not in the future"), "{past}: {error}");
    }
    let (key, _) = app.access.create_key(&owner, &ends("2200-01-31")).await.expect("a key");
    let end = Micros::parse("2200-01-31T00:00:00Z");
    assert_eq!(key.spec.expires_at, end);
    assert!(key.is_valid_at(app.parts.clock.now()) && !end.is_some_and(|end| key.is_valid_at(end)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chosen_key_is_made_once_and_stays_revoked() {
    let (_dir, app) = open().await;
    let owner = app.access.system(None).expect("the owner");
    assert_eq!(kind_of(app.access.bootstrap(&CHOSEN[..31]).await), Kind::Invalid);
    app.access.bootstrap(CHOSEN).await.expect("made");
    app.access.bootstrap(CHOSEN).await.expect("there already");
    let who = app.access.authenticate_key(CHOSEN).expect("known");
    assert_eq!(who.scopes, Scopes::all());
    let keys = app.access.keys(&owner).expect("a list");
    assert_eq!(keys.len(), 1);

    app.access.revoke_key(&owner, keys[0].id).await.expect("revoked");
    app.access.bootstrap(CHOSEN).await.expect("nothing to do");
    assert_eq!(kind_of(app.access.authenticate_key(CHOSEN)), Kind::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_preset_once_a_server_has_run_is_not_made() {
    let (_dir, app) = open().await;
    app.access.bootstrap(CHOSEN).await.expect("made");
    app.parts.store.catalog().devices.save_heartbeat(app.parts.clock.now()).await.expect("saved");
    let later = CHOSEN.replace('e', "f");
    app.access.bootstrap(&later).await.expect("only said in the log");
    assert_eq!(kind_of(app.access.authenticate_key(&later)), Kind::Unauthenticated);
    app.access.bootstrap(CHOSEN).await.expect("there already");
    app.access.authenticate_key(CHOSEN).expect("it stays");

    let client = || client_preset("BASALT_BOOTSTRAP_BLYNK", "plant:0123456789abcdef").expect("a client");
    app.clients.bootstrap_client(ClientApi::Blynk, client()).await.expect("only said in the log");
    let kind = kind_of(app.clients.authenticate_client(ClientApi::Blynk, "plant", "0123456789abcdef"));
    assert_eq!(kind, Kind::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_local_token_is_taken_locally() {
    let (_dir, app) = open().await;
    assert_eq!(kind_of(app.access.authenticate_local(CHOSEN, None)), Kind::Unauthenticated, "not open yet");
    let token = app.access.issue_local_token().expect("opened");
    assert_eq!(app.access.authenticate_local(&token, None).expect("known").caller, Caller::System);
    assert_eq!(kind_of(app.access.authenticate_local("", None)), Kind::Unauthenticated);
    assert_eq!(kind_of(app.access.authenticate_local(CHOSEN, None)), Kind::Unauthenticated);
    assert_eq!(kind_of(app.access.authenticate_local(&token, Some("nowhere"))), Kind::Invalid);
    assert_eq!(kind_of(app.access.authenticate_key(&token)), Kind::Unauthenticated, "it is no API key");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_for_the_owner_and_act_in_the_organization_they_name() {
    let (_dir, app) = open().await;
    let owner = app.access.system(None).expect("the owner");
    app.access.bootstrap(CHOSEN).await.expect("made");
    let key = app.access.authenticate_key(CHOSEN).expect("known");
    let org = || Some("acme".to_owned());
    let progress = Progress::default();
    let create_org = || Command::CreateOrg { slug: "acme".into(), name: None };
    let find = |create: Option<&str>| Command::FindStream {
        org: org(),
        device: "Oven".into(),
        stream: "t".into(),
        create: create.map(str::to_owned),
    };

    app.owner_commands.run_command(&owner, create_org(), &progress).await.expect("made");
    for command in [create_org(), Command::ListOrgs, Command::ListKeys { org: None }, find(Some("fp64"))] {
        assert_eq!(
            kind_of(app.owner_commands.run_command(&key, command, &progress).await),
            Kind::Forbidden,
            "a key is no owner"
        );
    }
    assert_eq!(kind_of(app.owner_commands.run_command(&owner, find(None), &progress).await), Kind::Invalid);
    let made = app.owner_commands.run_command(&owner, find(Some("fp64")), &progress).await.expect("made");
    assert_eq!(app.owner_commands.run_command(&owner, find(None), &progress).await.expect("found"), made);
    let in_default =
        Command::FindStream { org: None, device: "Oven".into(), stream: "t".into(), create: None };
    assert_eq!(
        kind_of(app.owner_commands.run_command(&owner, in_default, &progress).await),
        Kind::Invalid,
        "another organization"
    );

    let create_key = Command::CreateKey { org: org(), key: request(&["data:read"], &[]) };
    let CommandOutcome::NewKey { secret, .. } =
        app.owner_commands.run_command(&owner, create_key, &progress).await.expect("made")
    else {
        panic!("another outcome");
    };
    let who = app.access.authenticate_key(&secret).expect("known");
    assert_eq!(who.org, app.access.system(Some("acme")).expect("there").org);
}
