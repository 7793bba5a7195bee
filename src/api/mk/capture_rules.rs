//! `/media-capture-rules`: which events make cameras record.

use uuid::Uuid;

use super::body::Fields;
use super::document_noun::{DocumentNoun, endpoints};
use super::endpoint::Section;
use super::noun::list::{FieldVisitor, MkNoun, omittable, optional, required};
use super::noun::nested::NestedObject;
use super::noun::reader::read_row;
use super::noun::schemas;
use super::noun::stamp::Stamp;
use super::openapi_document::{id, paged};
use super::operation_docs::NounWords;
use super::problem::MkError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::media::capture_rule::CaptureRule;
use crate::domain::document::capture_rule::{EventMatch, SEVERITIES};
use crate::domain::document::{CaptureRuleSpec, Document, DocumentContent, DocumentKind};
use crate::domain::event::EventSource;
use crate::domain::{Principal, Result};

/// The operations.
pub fn section() -> Section {
    let docs = [
        paged(Doc::new("listMediaCaptureRules", "List capture rules")),
        Doc::new("createMediaCaptureRule", "Create a capture rule")
            .about("A rule is for new events. What was before an event is held by the recorder of a camera (`dvrUrl`) alone."),
        Doc::new("getMediaCaptureRule", "Get a capture rule"),
        Doc::new("replaceMediaCaptureRule", "Replace a capture rule"),
        Doc::new("deleteMediaCaptureRule", "Delete a capture rule")
            .about("The captures that the rule made stay."),
    ];
    Section {
        name: "Capture rules",
        about: "Which events make cameras record. Without any of its cameras a rule is switched off.",
        endpoints: endpoints::<CaptureRuleRow>(docs),
        schemas: vec![
            schemas::view::<CaptureRuleRow>("MediaCaptureRule"),
            schemas::body::<CaptureRuleRow>("MediaCaptureRuleBody"),
            ("EventMatch", schema::object(&schemas::fields::<MatchRow>())),
        ],
    }
}

/// Which events a rule is for, as shown: with ids as APIs have them. A body's is read by the handler.
#[derive(Default)]
struct MatchRow {
    source: Option<String>,
    severity: Option<String>,
    device: Option<Uuid>,
    sensor: Option<Uuid>,
}

impl MkNoun for MatchRow {
    fn blank() -> Self {
        MatchRow::default()
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let MatchRow { source, severity, device, sensor } = self;
        let sources = || nullable(schema::choice_of::<EventSource>());
        let (severities, uuid) = (|| nullable(schema::choice(SEVERITIES)), || nullable(id()));
        visitor.visit(omittable("source", "Origin of the event; null for anything.", sources), source);
        visitor.visit(omittable("severity", "Severity of the event; null for any.", severities), severity);
        visitor.visit(omittable("deviceId", "Device of the event; null for any.", uuid), device);
        visitor.visit(omittable("sensorId", "Sensor of the event; null for any.", uuid), sensor);
    }
}

/// A rule as shown.
pub struct CaptureRuleRow {
    stamp: Stamp,
    spec: CaptureRuleSpec,
    matches: NestedObject<MatchRow>,
}

impl MkNoun for CaptureRuleRow {
    fn blank() -> Self {
        let (spec, matches) = (CaptureRuleSpec::new(""), NestedObject(MatchRow::default()));
        CaptureRuleRow { stamp: Stamp::default(), spec, matches }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let CaptureRuleSpec {
            name,
            cameras,
            matches: _,
            pre_roll_s,
            post_roll_s,
            cooldown_s,
            max_per_hour,
            enabled,
        } = &mut self.spec;
        let (title, ids) = (|| schema::text(1, 255), || schema::list(id()));
        let (roll, pause) = (|| schema::integer(0, 300), || schema::integer(0, 86_400));
        self.stamp.visit_id(visitor);
        visitor.visit(required("name", "Name of the rule, unique in the organization.", title), name);
        visitor.visit(required("cameraIds", "Cameras that record, 1 to 100.", ids), cameras);
        let event_match = || schema::reference("EventMatch");
        let about = "Events that the rule matches; an event must meet every condition.";
        visitor.visit(required("match", about, event_match).looked_up(), &mut self.matches);
        let about = "Time before the event that is recorded, seconds.";
        visitor.visit(optional("preRollSeconds", about, roll), pre_roll_s);
        let about = "Time after the event that is recorded, seconds.";
        visitor.visit(optional("postRollSeconds", about, roll), post_roll_s);
        let about = "Time from a capture within which events are ignored, seconds.";
        visitor.visit(optional("cooldownSeconds", about, pause), cooldown_s);
        let about = "Maximum number of events in an hour that are captured.";
        visitor.visit(optional("maxPerHour", about, || schema::integer(1, 3600)), max_per_hour);
        visitor.visit(optional("enabled", "Whether the rule captures events.", schema::boolean), enabled);
        self.stamp.visit_times(visitor);
    }
}

impl CaptureRuleRow {
    fn new(app: &App, who: &Principal, row: &Document) -> Result<Self> {
        let CaptureRule { mut spec, device, sensor } = app.media.captures.capture_rule(who, row)?;
        let EventMatch { source, severity, .. } = std::mem::take(&mut spec.matches);
        let matches = NestedObject(MatchRow { source, severity, device, sensor });
        Ok(CaptureRuleRow { stamp: Stamp::of(row), spec, matches })
    }
}

impl DocumentNoun for CaptureRuleRow {
    type Content = CaptureRuleSpec;
    const KIND: DocumentKind = DocumentKind::CaptureRule;
    const COLLECTION: &'static str = "/api/v1/media-capture-rules";
    const ONE: &'static str = "/api/v1/media-capture-rules/{id}";
    const WORDS: NounWords =
        NounWords::new("MediaCaptureRule", "capture rule", "capture rules").created_as("rule");

    fn converter(app: &App, who: &Principal) -> Result<impl Fn(&Document) -> Result<Self>> {
        Ok(move |row: &Document| CaptureRuleRow::new(app, who, row))
    }

    fn read(app: &App, who: &Principal, mut fields: Fields) -> Result<CaptureRuleSpec, MkError> {
        let mut spec = read_row::<CaptureRuleRow>(&mut fields).spec;
        spec.name = spec.name.trim().to_owned();
        for (index, camera) in spec.cameras.iter().enumerate().take(100) {
            if app.documents.document(who, DocumentKind::Camera, *camera).is_err() {
                fields.problem(&format!("cameraIds[{index}]"), "does not exist");
            }
        }
        fields.required("match");
        if let Some(mut nested) = fields.nested("match") {
            spec.matches = read_match(app, who, &mut nested);
            fields.absorb(nested);
        }
        fields.finish(spec.problems())?;
        Ok(spec)
    }
}

fn read_match(app: &App, who: &Principal, fields: &mut Fields) -> EventMatch {
    let source =
        fields.choice("source", &EventSource::ALL, EventSource::name).map(|source| source.name().to_owned());
    let severity = fields.choice("severity", &SEVERITIES, |name| name).map(str::to_owned);
    let wanted = fields.uuid("deviceId");
    let device = wanted.and_then(|uuid| app.devices.device_by_uuid(who, uuid).ok()).map(|device| device.id);
    if wanted.is_some() && device.is_none() {
        fields.problem("deviceId", "does not exist");
    }
    let wanted = fields.uuid("sensorId");
    let sensor = wanted.and_then(|uuid| app.media.captures.stream_of_rule(who, uuid).ok());
    if wanted.is_some() && sensor.is_none() {
        fields.problem("sensorId", "does not exist");
    }
    EventMatch { source, severity, device, sensor }
}
