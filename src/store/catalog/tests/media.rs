//! Captures, clips and live sessions: they last, follow their states, are seen with the camera's device, and go with it.

use std::sync::Arc;

use uuid::Uuid;

use super::fixtures::*;
use crate::domain::document::camera::CameraAddress;
use crate::domain::document::{CameraSpec, Document, DocumentKind, DocumentSpec};
use crate::domain::media::address::CameraKind;
use crate::domain::media::state::{CaptureState, LiveAction, LiveState};
use crate::domain::media::{Capture, LiveSession, MediaFile, MediaKind, MediaWork};
use crate::domain::{DeviceId, Error, Kind, Micros, Principal};
use crate::store::catalog::{Catalog, NewDocument};

pub(super) async fn camera(catalog: &Catalog, who: &Principal, device: DeviceId) -> Arc<Document> {
    let spec = DocumentSpec::Camera(CameraSpec {
        device,
        name: "gate".to_owned(),
        kind: CameraKind::Rtsp,
        stream: CameraAddress::new("rtsp://admin:s3cret@10.0.0.9/1"),
        dvr: None,
    });
    catalog.documents.create_documents(who, vec![NewDocument::new(spec)]).await.unwrap().remove(0)
}

pub(super) fn capture() -> MediaWork {
    MediaWork::Capture(Capture::new(START, Micros(START.0 + 1)))
}

fn session(user: &str) -> MediaWork {
    MediaWork::Live(LiveSession::new(user.to_owned(), "live".to_owned(), START))
}

pub(super) async fn a_capture_follows_its_states_and_outlives_a_restart(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let device = device(&catalog, &who, "d").await.id;
    let camera = camera(&catalog, &who, device).await;
    let (made, is_new) = catalog.media.create_media_job(&who, camera.uuid, capture()).await.unwrap();
    assert_eq!((is_new, made.device, made.camera, made.camera_row), (true, device, camera.uuid, camera.id));
    let to = |state: CaptureState| {
        move |work: &MediaWork, _: Micros| match work {
            MediaWork::Capture(old) => Ok(Some(MediaWork::Capture(Capture { state, ..old.clone() }))),
            MediaWork::Clip(_) | MediaWork::Live(_) => Err(Error::not_found()),
        }
    };
    let early = catalog.media.change_media_job(&who, made.uuid, to(CaptureState::Ready)).await;
    assert_eq!(refusal(early).0, Kind::Conflict, "it was not recorded");
    catalog.media.change_media_job(&who, made.uuid, to(CaptureState::Recording)).await.unwrap();
    let file = MediaFile { id: Uuid::from_u128(7), size_bytes: 10, sha256: "0a".repeat(32) };
    let kept = Some(file.clone());
    let ready = |work: &MediaWork, _: Micros| match work {
        MediaWork::Capture(old) => {
            let state = CaptureState::Ready;
            Ok(Some(MediaWork::Capture(Capture { state, file: kept, file_id: file.id, ..old.clone() })))
        }
        MediaWork::Clip(_) | MediaWork::Live(_) => Err(Error::not_found()),
    };
    let done = catalog.media.change_media_job(&who, made.uuid, ready).await.unwrap();
    drop(catalog);
    let catalog = place.open().await;
    assert_eq!(catalog.media.media_job(&who, MediaKind::Capture, made.uuid).unwrap(), done);
    assert_eq!(refusal(catalog.media.media_job(&who, MediaKind::Live, made.uuid)), not_found());
    assert!(
        catalog.media.has_media_file(Uuid::from_u128(7)) && !catalog.media.has_media_file(Uuid::from_u128(8))
    );
    assert_eq!(catalog.media.media_bytes(who.org), 10);
    let late = catalog.media.change_media_job(&who, made.uuid, to(CaptureState::Failed)).await;
    assert_eq!(refusal(late).0, Kind::Conflict, "its end stays");
    assert_eq!(catalog.media.purge_media(done.updated_at, 1).await.unwrap(), 0);
    assert_eq!(catalog.media.purge_media(Micros(done.updated_at.0 + 1), 1).await.unwrap(), 1);
    assert!(catalog.media.all_media_jobs().is_empty());
}

pub(super) async fn a_user_has_one_open_live_session_of_a_camera(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let device = device(&catalog, &who, "d").await.id;
    let camera = camera(&catalog, &who, device).await.uuid;
    let (first, _) = catalog.media.create_media_job(&who, camera, session("a")).await.unwrap();
    let (again, is_new) = catalog.media.create_media_job(&who, camera, session("a")).await.unwrap();
    assert_eq!((again.uuid, is_new), (first.uuid, false));
    assert!(catalog.media.create_media_job(&who, camera, session("b")).await.unwrap().1);
    let end = |work: &MediaWork, now: Micros| match work {
        MediaWork::Live(old) => Ok(old.after(LiveAction::Ended(None), now).map(MediaWork::Live)),
        MediaWork::Clip(_) | MediaWork::Capture(_) => Err(Error::not_found()),
    };
    let ended = catalog.media.change_media_job(&who, first.uuid, end).await.unwrap();
    assert_eq!(ended.live().map(|session| session.state), Some(LiveState::Expired));
    assert!(catalog.media.create_media_job(&who, camera, session("a")).await.unwrap().1);
    assert_eq!(catalog.media.media_jobs(&who, MediaKind::Live).len(), 3);
}

pub(super) async fn media_are_seen_with_the_device_and_go_with_the_camera(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let (one, two) = (device(&catalog, &who, "d").await.id, device(&catalog, &who, "e").await.id);
    let (gate, yard) = (camera(&catalog, &who, one).await, camera(&catalog, &who, two).await);
    let (of_gate, _) = catalog.media.create_media_job(&who, gate.uuid, capture()).await.unwrap();
    let (of_yard, _) = catalog.media.create_media_job(&who, yard.uuid, capture()).await.unwrap();
    let stranger = other_org(&catalog).await;
    let narrow = key(who.org, Some(&[two]), None);
    for (caller, expected) in [(&who, 2), (&stranger, 0), (&narrow, 1)] {
        assert_eq!(catalog.media.media_jobs(caller, MediaKind::Capture).len(), expected);
    }
    assert_eq!(refusal(catalog.media.media_job(&stranger, MediaKind::Capture, of_gate.uuid)), not_found());
    assert_eq!(refusal(catalog.media.media_job(&narrow, MediaKind::Capture, of_gate.uuid)), not_found());
    assert_eq!(refusal(catalog.media.create_media_job(&stranger, gate.uuid, capture()).await), not_found());
    catalog.documents.delete_document(&who, DocumentKind::Camera, gate.uuid).await.unwrap();
    catalog.devices.delete_device(&who, two).await.unwrap();
    assert!(
        catalog.media.all_media_jobs().is_empty() && catalog.media.signed_media_job(of_yard.uuid).is_none()
    );
    drop(catalog);
    assert!(place.open().await.media.all_media_jobs().is_empty(), "the database forgets them too");
}
