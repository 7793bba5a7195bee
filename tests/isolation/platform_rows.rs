//! Alert rules, alerts, channels, annotations, dashboards, exports, firmware and media of a device, by the placeholders of requests.

use std::collections::BTreeSet;

use basalt::domain::alert::Severity;
use basalt::domain::alert::rule::{AlertRuleSpec, Evaluation, Operator, Threshold};
use basalt::domain::alert::target::RuleTarget;
use basalt::domain::annotation::{AnnotationSource, AnnotationSpec, ScopeType};
use basalt::domain::document::camera::CameraAddress;
use basalt::domain::document::{
    AnnotationClassSpec, CameraSpec, CaptureRuleSpec, DashboardSpec, DocumentSpec, FirmwareDescription,
    ReferencePairSpec,
};
use basalt::domain::export::{ExportContent, ExportScope, ExportSpec};
use basalt::domain::media::address::CameraKind;
use basalt::domain::media::{Capture, ClipRequest, LiveSession, MediaWork};
use basalt::domain::notification::{ChannelConfig, ChannelSecret, NotificationChannelSpec};
use basalt::domain::{DeviceId, Micros, Principal, StreamId};
use basalt::store::catalog::AnnotationChange;
use serde_json::Map;
use uuid::Uuid;

use super::documents::component;
use super::fixture::IsolationFixture;
use crate::in_process::{MINUTE, NOW};
use crate::support::{self, rows};

/// Placeholders of the rows that [`identifiers`] makes.
pub const NAMES: [&str; 15] = rows![
    "{class}"; "{annotation}"; "{pair}"; "{dashboard}"; "{channel}"; "{rule}"; "{device_rule}"; "{event}"; "{export}";
    "{firmware}"; "{camera}"; "{capture_rule}"; "{capture}"; "{clip}"; "{live}";
];

/// Gives the device of a stream one row of each kind; their UUIDs in the order of [`NAMES`].
pub async fn identifiers(
    world: &IsolationFixture,
    who: &Principal,
    stream: StreamId,
    word: &str,
) -> Vec<(&'static str, String)> {
    let catalog = &world.env.catalog;
    let stream = catalog.streams.stream(who, stream).unwrap();
    let device = stream.spec.device;
    let name = format!("{word} {device}");
    let channel = channel(world, who, &name).await;
    let camera = camera(world, who, stream.id, &name).await;
    let mut rule = CaptureRuleSpec { cameras: vec![camera], ..CaptureRuleSpec::new(&name) };
    (rule.matches.device, rule.matches.sensor) = (Some(device), Some(stream.id));
    let (class, annotation) = annotation(world, who, stream.id, word).await;
    let alert_rule =
        catalog.alerts.create_alert_rule(who, alert_rule(&name, stream.id, channel), 0).await.unwrap();
    let device_rule = device_rule(&format!("{name} down"), device);
    let device_rule = catalog.alerts.create_alert_rule(who, device_rule, 0).await.unwrap();
    let [capture, clip, live] = media(world, who, camera, word).await;
    let found = [
        class,
        annotation,
        pair(world, who, stream.id, &name).await,
        document(world, who, DocumentSpec::Dashboard(DashboardSpec::new(&name))).await,
        channel,
        alert_rule.uuid,
        device_rule.uuid,
        event(world, who, stream.id, word).await,
        export(world, who, stream.uuid, word).await,
        firmware(world, who, &name).await,
        camera,
        document(world, who, DocumentSpec::CaptureRule(rule)).await,
        capture,
        clip,
        live,
    ];
    NAMES.into_iter().zip(found).map(|(name, uuid)| (name, uuid.to_string())).collect()
}

async fn document(world: &IsolationFixture, who: &Principal, spec: DocumentSpec) -> Uuid {
    world.db.app().documents.create_document(who, spec).await.unwrap().uuid
}

async fn channel(world: &IsolationFixture, who: &Principal, name: &str) -> Uuid {
    let config = ChannelConfig::Webhook {
        url: format!("http://127.0.0.1:9/{}", name.replace(' ', "-")),
        secret: ChannelSecret::new("hush"),
    };
    let channel = NotificationChannelSpec { name: name.to_owned(), config, enabled: true };
    document(world, who, DocumentSpec::NotificationChannel(channel)).await
}

async fn camera(world: &IsolationFixture, who: &Principal, stream: StreamId, name: &str) -> Uuid {
    let device = world.env.catalog.streams.stream(who, stream).unwrap().spec.device;
    let camera = CameraSpec {
        device,
        name: name.to_owned(),
        kind: CameraKind::Rtsp,
        stream: CameraAddress::new("rtsp://admin:hush@127.0.0.1:9/1"),
        dvr: Some(CameraAddress::new("rtsp://admin:hush@127.0.0.1:9/2")),
    };
    document(world, who, DocumentSpec::Camera(camera)).await
}

/// A class, and an annotation of the stream.
async fn annotation(world: &IsolationFixture, who: &Principal, stream: StreamId, word: &str) -> (Uuid, Uuid) {
    let stream = world.env.catalog.streams.stream(who, stream).unwrap();
    let key = format!("{word}.{}", stream.spec.device);
    let class = AnnotationClassSpec {
        key: key.clone(),
        name: key,
        color: None,
        scopes: ScopeType::ALL.into(),
        fields: Vec::new(),
        pack: None,
    };
    let class = document(world, who, DocumentSpec::AnnotationClass(class)).await;
    let annotation = AnnotationSpec {
        class,
        scope_type: ScopeType::Sensor,
        scope: stream.uuid,
        start: Micros(NOW - 200 * MINUTE),
        end: None,
        values: Map::new(),
        source: AnnotationSource::Manual,
        confidence: None,
        note: Some(word.to_owned()),
    };
    let made =
        world.env.catalog.annotations.create_annotation(who, annotation, word.to_owned()).await.unwrap();
    let AnnotationChange::Done(made) = made else { panic!("the class has no fields") };
    (class, made.uuid)
}

fn alert_rule(name: &str, stream: StreamId, channel: Uuid) -> AlertRuleSpec {
    AlertRuleSpec {
        name: name.to_owned(),
        target: RuleTarget::Stream(stream),
        evaluation: Evaluation::Value,
        operator: Some(Operator::Gt),
        threshold: Some(Threshold::Number(1e9)),
        severity: Severity::Critical,
        cooldown_s: 300,
        channels: vec![channel],
        ..AlertRuleSpec::blank()
    }
}

/// A rule on the state of a device.
fn device_rule(name: &str, device: DeviceId) -> AlertRuleSpec {
    AlertRuleSpec {
        target: RuleTarget::Device(device),
        evaluation: Evaluation::DeviceState,
        window_s: Some(60),
        operator: Some(Operator::Eq),
        threshold: Some(Threshold::Text("offline".to_owned())),
        channels: Vec::new(),
        ..alert_rule(name, StreamId(0), Uuid::nil())
    }
}

async fn event(world: &IsolationFixture, who: &Principal, stream: StreamId, word: &str) -> Uuid {
    let device = world.env.catalog.streams.stream(who, stream).unwrap().spec.device;
    let event = support::event(device, Some(stream), word, Micros(NOW - 150 * MINUTE));
    world.env.catalog.events.create_event(who, event).await.unwrap().uuid
}

async fn export(world: &IsolationFixture, who: &Principal, stream: Uuid, word: &str) -> Uuid {
    let spec = ExportSpec {
        scope_type: ExportScope::Sensor,
        scope: stream,
        from: Micros(NOW - 200 * MINUTE),
        to: Micros(NOW),
        includes: BTreeSet::from([ExportContent::Readings]),
    };
    world.env.catalog.jobs.create_export(who, spec, word.to_owned()).await.unwrap().uuid
}

async fn firmware(world: &IsolationFixture, who: &Principal, name: &str) -> Uuid {
    let app = world.db.app();
    let upload = app.mk.firmware.begin_firmware(who).await.unwrap().write("bytes".into()).await.unwrap();
    let description = FirmwareDescription {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        device_profile: None,
        notes: None,
    };
    app.mk.firmware.create_firmware(who, description, "file.bin".to_owned(), upload).await.unwrap().uuid
}

/// A pair of two components of the device of a stream.
async fn pair(world: &IsolationFixture, who: &Principal, stream: StreamId, name: &str) -> Uuid {
    let device = world.env.catalog.streams.stream(who, stream).unwrap().spec.device;
    let mut parts = Vec::new();
    for key in ["first", "second"] {
        parts.push(document(world, who, component(device, key, name)).await);
    }
    let pair = ReferencePairSpec {
        handle: Uuid::new_v4(),
        name: Some(name.to_owned()),
        primary: parts[0],
        reference: parts[1],
        primary_device: device,
        reference_device: device,
        valid_from: Micros(NOW),
        valid_to: None,
        metadata: Map::new(),
    };
    document(world, who, DocumentSpec::ReferencePair(pair)).await
}

/// A capture, a clip and a live session of a camera.
async fn media(world: &IsolationFixture, who: &Principal, camera: Uuid, word: &str) -> [Uuid; 3] {
    let (from, to) = (Micros(NOW - 20 * MINUTE), Micros(NOW - 10 * MINUTE));
    let works = [
        MediaWork::Capture(Capture::new(from, to)),
        MediaWork::Clip(ClipRequest::new(from, to, word.to_owned())),
        MediaWork::Live(LiveSession::new(word.to_owned(), "live".to_owned(), Micros(NOW))),
    ];
    let mut made = [Uuid::nil(); 3];
    for (uuid, work) in made.iter_mut().zip(works) {
        *uuid = world.env.catalog.media.create_media_job(who, camera, work).await.unwrap().0.uuid;
    }
    made
}
