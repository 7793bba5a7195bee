//! Files that are sent and fetched, and what is counted of them: an address that is somebody else's, was changed or is over
//! admits nobody, and nothing tells of the files of others.

use std::time::Duration;

use basalt::domain::Principal;
use basalt::domain::document::firmware::DOWNLOAD_TOKEN_S;
use basalt::domain::export::{ExportStatus, LINK_S};
use basalt::domain::object::UPLOAD_S;
use basalt::domain::time::MICROS_PER_SECOND;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::doors::DoorFixture;
use super::fixture::{self, IsolationFixture};
use super::identifiers::Identifiers;
use crate::in_process::{MINUTE, NOW};
use crate::support::until;

const FIRMWARE: &str = "/api/v1/firmware";
const UPLOADS: &str = "/api/v1/config-artefacts/upload-url";
const BOUNDARY: &str = "a-boundary-of-parts";
const PATIENCE: Duration = Duration::from_secs(60);

/// A name of something, such as its UUID.
fn named(about: &Identifiers, placeholder: &str) -> String {
    about.in_path(placeholder)
}

/// Path and query of a link to the file of an export, once the file is there.
async fn link(fixture: &DoorFixture, who: &Principal, about: &Identifiers) -> String {
    let uuid = Uuid::try_parse(&named(about, "{export}")).unwrap();
    let export = until!("the file of an export", PATIENCE;
        export = fixture.app.exports.export(who, uuid).await.unwrap(); export.status == ExportStatus::Ready);
    fixture.app.exports.export_link(who, &export).await.unwrap().expect("it has a file").path_and_query
}

/// Fetches an address without any credential.
async fn status(fixture: &DoorFixture, path: &str) -> u16 {
    fixture.client.send_bytes("GET", path, &[], "").await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_link_admits_to_one_file_and_an_upload_address_takes_one_object_for_its_time() {
    let fixture = DoorFixture::new().await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(fixture.app.exports.clone().run_exports(stop.clone()));
    let owner = fixture.world.env.owner.clone();
    let ours = link(&fixture, &owner, &fixture.own).await;
    let theirs = link(&fixture, &fixture.third, &fixture.of_third).await;
    assert_eq!((status(&fixture, &ours).await, status(&fixture, &theirs).await), (200, 200));
    let (our_path, our_query) = ours.split_once('?').unwrap();
    let (their_path, their_query) = theirs.split_once('?').unwrap();
    let org = |path: &str| path.split('/').nth(2).unwrap().to_owned();
    let export = |about| named(about, "{export}");
    let rows = [
        ("the_signature_of_another_file", format!("{our_path}?{their_query}")),
        ("the_file_of_another_organization", format!("{their_path}?{our_query}")),
        ("another_export", ours.replace(&export(&fixture.own), &export(&fixture.of_third))),
        ("another_organization", ours.replace(&org(our_path), &org(their_path))),
        ("a_longer_time", ours.replace(&format!("X-Amz-Expires={LINK_S}"), "X-Amz-Expires=604800")),
        ("without_its_ending", ours.replace(".zip", "")),
        ("no_signature", our_path.to_owned()),
    ];
    for (name, forged) in rows {
        assert!(forged != ours && forged != theirs, "{name}: {forged}");
        assert_eq!(status(&fixture, &forged).await, 403, "{name}: {forged}");
    }
    fixture.world.env.clock.advance((LINK_S + 1) * MICROS_PER_SECOND);
    assert_eq!(status(&fixture, &ours).await, 403, "its time is over");
    stop.cancel();
    worker.await.unwrap();

    let bytes = b"firmware";
    let declare = async |who: &Principal| {
        let authorization = fixture.mk(who).await.unwrap();
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let body = json!({"fileName": "a.bin", "contentType": "application/octet-stream",
            "sizeBytes": bytes.len(), "sha256": hex::encode(Sha256::digest(bytes))});
        let upload = fixture.client.send("POST", UPLOADS, &headers, body.to_string()).await.created();
        let url = upload["uploadUrl"].as_str().unwrap();
        url[url.find("/objects/").unwrap()..].to_owned()
    };
    let ours = declare(&fixture.world.env.owner).await;
    let theirs = declare(&fixture.third).await;
    let put = async |path: &str| fixture.client.send("PUT", path, &[], bytes.to_vec()).await.status;
    let ((our_path, our_query), (their_path, their_query)) =
        (ours.split_once('?').unwrap(), theirs.split_once('?').unwrap());
    let rows = [
        ("the_signature_of_another_object", format!("{our_path}?{their_query}")),
        ("the_object_of_another_organization", format!("{their_path}?{our_query}")),
        ("no_signature", our_path.to_owned()),
    ];
    for (name, forged) in rows {
        assert_eq!(put(&forged).await, 403, "{name}: {forged}");
    }
    assert_eq!((put(&ours).await, put(&theirs).await), (200, 200));
    fixture.world.env.clock.advance(UPLOAD_S * MICROS_PER_SECOND);
    assert_eq!(put(&ours).await, 403, "its time is over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_token_is_for_one_firmware_and_device_and_an_upload_learns_nothing_of_others() {
    let fixture = DoorFixture::new().await;
    let admin = fixture.mk(&fixture.world.env.owner).await.unwrap();
    let ask = async |body: &Value| {
        let path = format!("{FIRMWARE}/{}/download-tokens", named(&fixture.own, "{firmware}"));
        let headers = [("authorization", admin.as_str()), ("content-type", "application/json")];
        fixture.client.send("POST", &path, &headers, body.to_string()).await.outcome()
    };
    let (made, answer) = ask(&json!({"deviceId": named(&fixture.own, "{uuid}")})).await;
    assert_eq!(made, 201, "{answer}");
    let token = answer["token"].as_str().unwrap().to_owned();
    let download = |token: &str| format!("{FIRMWARE}/download?token={token}");
    assert_eq!(status(&fixture, &download(&token)).await, 200);
    let simple =
        |about, placeholder| Uuid::try_parse(&named(about, placeholder)).unwrap().simple().to_string();
    for target in fixture.foreign.iter().chain(&fixture.hidden).chain([&fixture.of_third]) {
        for placeholder in ["{firmware}", "{uuid}"] {
            let moved = token.replace(&simple(&fixture.own, placeholder), &simple(target, placeholder));
            assert_ne!(moved, token, "{placeholder}");
            assert_eq!(status(&fixture, &download(&moved)).await, 401, "{placeholder} of {target:?}");
        }
    }
    // A device of others is as one that nobody has.
    let (_, unknown) = ask(&json!({"deviceId": Uuid::from_u128(1)})).await;
    for target in &fixture.foreign {
        let (code, answer) = ask(&json!({"deviceId": named(target, "{uuid}")})).await;
        assert_eq!((code, &answer["errors"]), (400, &unknown["errors"]), "{answer}");
    }
    fixture.world.env.clock.advance((DOWNLOAD_TOKEN_S + 1) * MICROS_PER_SECOND);
    assert_eq!(status(&fixture, &download(&token)).await, 410, "its time is over");

    let third = fixture.mk(&fixture.third).await.unwrap();
    let media = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("authorization", third.as_str()), ("content-type", media.as_str())];
    let upload = async |name: &str, profile: Option<&str>| {
        fixture.client.send("POST", FIRMWARE, &headers, form(name, profile)).await.outcome()
    };
    let nobody = Uuid::from_u128(1).to_string();
    let (unknown, expected) = upload("new", Some(&nobody)).await;
    assert_eq!(unknown, 400, "{expected}");
    for target in &fixture.foreign {
        let (status, answer) = upload("new", Some(&named(target, "{profile}"))).await;
        assert_eq!((status, &answer["errors"]), (400, &expected["errors"]), "{answer}");
    }
    // Names are of one organization.
    let owner = fixture.key(&fixture.world.env.owner).await;
    let taken = owner.sql("SELECT name FROM documents WHERE kind = 'firmware'").await;
    assert!(!taken.is_empty(), "the other organization has firmware");
    for row in taken {
        let name = row["name"].as_str().unwrap().split('@').next().unwrap().to_owned();
        let (status, answer) = upload(&name, None).await;
        assert_eq!(status, 201, "{name}: {answer}");
    }
}

/// A form with a firmware for devices of a profile.
fn form(name: &str, profile: Option<&str>) -> Vec<u8> {
    let mut texts = vec![("name", name), ("version", "1.0.0")];
    texts.extend(profile.map(|profile| ("deviceProfileId", profile)));
    let parts = texts.iter().map(|(name, text)| {
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    });
    let file = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\
         Content-Type: application/octet-stream\r\n\r\nbytes\r\n--{BOUNDARY}--\r\n"
    );
    parts.chain([file]).collect::<String>().into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn billing_counts_and_changes_one_organization() {
    let fixture = DoorFixture::new().await;
    let (ours, third) =
        (fixture.mk(&fixture.world.env.owner).await.unwrap(), fixture.mk(&fixture.third).await.unwrap());
    let get = async |authorization: &str, path: &str| {
        fixture.client.send("GET", path, &[("authorization", authorization)], "").await.ok()
    };
    let counted = async |authorization: &str| {
        let usage = get(authorization, "/api/v1/billing/usage").await;
        ["devices", "readings", "storageBytes"].map(|name| usage[name].clone())
    };
    let before = counted(&third).await;
    assert_eq!(before[0], json!(1), "its own device alone");
    assert_ne!(counted(&ours).await[0], before[0]);
    let IsolationFixture { db, env, own, .. } = &fixture.world;
    fixture::write(db, &env.owner, own, false, NOW - 50 * MINUTE).await;
    assert_eq!(counted(&third).await, before, "what others write is not counted");
    let plans = get(&third, "/api/v1/billing/plans").await;
    assert_eq!(plans, get(&ours, "/api/v1/billing/plans").await, "plans are those of the server");
    let billing = get(&ours, "/api/v1/billing").await;
    let headers = [("authorization", third.as_str()), ("content-type", "application/json")];
    let body = json!({"plan": "unlimited"}).to_string();
    let answer = fixture.client.send("PUT", "/api/v1/billing/plan", &headers, body).await;
    answer.about("a key chooses no plan").expect(403);
    assert_eq!(get(&ours, "/api/v1/billing").await, billing);
}
