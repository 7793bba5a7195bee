//! Tests of imports of tag lists: who may run them, and what is stored.

use super::*;
use crate::app::{App, test_app};
use crate::domain::device::Protocol;
use crate::domain::{Kind, Scopes};

const LIST: &str = "name,address,type\nspeed,hr:0,uint16\nlevel,D1,uint16\n";

async fn open() -> (tempfile::TempDir, App, Principal, DeviceId) {
    let (dir, app) = test_app::open().await;
    let owner = app.access.system(None).expect("the owner");
    let device = DeviceSpec { host: "10.0.0.1".to_owned(), ..DeviceSpec::new("Press", Protocol::Modbus) };
    let device = app.parts.store.catalog().devices.create_device(&owner, device).await.expect("a device");
    (dir, app, owner, device.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_stored_once_and_a_dry_run_stores_nothing() {
    let (_dir, app, owner, device) = open().await;
    let streams = || {
        let filter = StreamFilter { device: Some(device), ..StreamFilter::default() };
        app.parts.store.catalog().streams.streams(&owner, &filter).len()
    };
    let import = async |is_dry| {
        app.tag_lists.import(&owner, "Press", LIST.to_owned(), is_dry).await.expect("a report")
    };
    let dry = import(true).await;
    assert_eq!((dry.is_applied, streams()), (false, 0));
    let done = import(false).await;
    assert_eq!((done.is_applied, &done.lines, streams()), (true, &dry.lines, 1));
    let again = import(false).await;
    let exists = TagOutcome::Exists { stream: "speed".to_owned(), differences: Vec::new() };
    assert_eq!((&again.lines[0].outcome, streams()), (&exists, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_needs_scopes_a_device_and_no_restriction() {
    let (_dir, app, owner, device) = open().await;
    let no_scopes = Principal { scopes: Scopes::NONE, ..owner.clone() };
    let reader = Principal { scopes: [Scope::read(Resource::Device)].into_iter().collect(), ..owner.clone() };
    let restricted = Principal { devices: Some([device].into()), ..owner.clone() };
    let rows = [
        (no_scopes, "Press", LIST, Kind::Forbidden),
        (reader, "Press", LIST, Kind::Forbidden),
        (restricted, "Press", LIST, Kind::Forbidden),
        (owner.clone(), "Pres", LIST, Kind::Invalid),
        (owner, "Press", "ts,value\n1,2\n", Kind::Invalid),
    ];
    for (principal, name, text, kind) in rows {
        let refused = app.tag_lists.import(&principal, name, text.to_owned(), false).await;
        let error = refused.expect_err(name);
        assert_eq!(error.kind, kind, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_place_of_a_name_is_answered_with_the_name() {
    let (_dir, app, owner, device) = open().await;
    let refused = app.tag_lists.import(&owner, &device.0.to_string(), LIST.to_owned(), true).await;
    let error = refused.expect_err("an id");
    assert!(error.message.ends_with("the device of this id is named `Press`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_apis_are_short_of_a_visible_device_and_one_at_a_time() {
    let (_dir, app, owner, device) = open().await;
    let import = async |device, text: String| app.tag_lists.import_from_api(&owner, device, text, true).await;
    let report = import(device, LIST.to_owned()).await.expect("a report");
    let expected = TagListCounts { added: 1, left_out: 1, ..TagListCounts::default() };
    assert_eq!(report.counts(), expected);
    let rows = [
        (DeviceId(device.0 + 1), LIST.to_owned(), Kind::NotFound),
        (device, format!("{LIST}{}", "\n".repeat(MAX_API_LINES)), Kind::TooLarge),
        (device, format!("{LIST}{}", "x".repeat(MAX_API_TAG_LIST_BYTES)), Kind::TooLarge),
    ];
    for (device, text, kind) in rows {
        let error = import(device, text).await.expect_err("refused");
        assert_eq!(error.kind, kind, "{error}");
    }
    let _permit = app.tag_lists.api_imports.try_acquire().expect("nothing is imported");
    let error = import(device, LIST.to_owned()).await.expect_err("refused");
    assert_eq!(error.kind, Kind::Busy, "{error}");
}
