//! Type of capture rules of the schema.

use std::sync::Arc;

use async_graphql::Object;

use super::camera::Camera;
use super::{DocumentNode, document_object, find_all};
use crate::api::graphql::objects::device::Device;
use crate::api::graphql::objects::stream::Stream;
use crate::api::graphql::{paging, rows};
use crate::app::App;
use crate::domain::Principal;
use crate::domain::document::{CaptureRuleSpec, Document, DocumentKind};

/// Cameras that a rule is taken to have, for the complexity of a document; it may have 100.
const USUAL_CAMERAS: usize = 16;

/// When cameras record.
pub struct MediaCaptureRule {
    document: Arc<Document>,
    /// The rule as it is in force.
    rule: CaptureRuleSpec,
}

impl DocumentNode for MediaCaptureRule {
    const KIND: DocumentKind = DocumentKind::CaptureRule;

    fn of(app: &App, who: &Principal, document: Arc<Document>) -> Option<Self> {
        let rule = app.media.captures.capture_rule(who, &document).ok()?.spec;
        Some(Self { document, rule })
    }

    fn document(&self) -> &Arc<Document> {
        &self.document
    }
}

document_object! {
    #[Object]
    /// A capture rule: which events make cameras record. A rule is for the events that have all of what it names.
    impl MediaCaptureRule(self) {
        /// Name of the rule, 1 to 255 characters, unique in the organization.
        name: &str = &self.rule.name;
        /// Source of the events: `ALERT_RULE`, `DEVICE`, `USER`, `SYSTEM` or `JOB`; null for any.
        source: Option<&str> = self.rule.matches.source.as_deref();
        /// Severity of the events: `INFO`, `WARNING` or `CRITICAL`; null for any.
        severity: Option<&str> = self.rule.matches.severity.as_deref();
        /// Time before the event, 0 to 300 seconds, which only a camera with a recorder has.
        pre_roll_seconds: i64 = self.rule.pre_roll_s;
        /// Time after the event, 0 to 300 seconds.
        post_roll_seconds: i64 = self.rule.post_roll_s;
        /// Seconds after a capture in which events are ignored.
        cooldown_seconds: i64 = self.rule.cooldown_s;
        /// Most captures in an hour.
        max_per_hour: i64 = self.rule.max_per_hour;
        /// Whether the rule is in force; false as well if its cameras, its device or its stream were deleted or are not the
        /// caller's to read.
        enabled: bool = self.rule.enabled;
    }
    with ctx {
        /// Cameras that record and that the caller may read.
        #[graphql(complexity = "paging::cost_of(USUAL_CAMERAS, child_complexity)")]
        cameras: Vec<Camera> = find_all(ctx, &self.rule.cameras);
        /// Device of the events; null for any, and for one that was deleted or that the caller may not read.
        device: Option<Device> = Ok(rows::device(ctx, self.rule.matches.device)?.map(Device));
        /// Stream of the events; null for any, and for one that was deleted or that the caller may not read.
        stream: Option<Stream> = Ok(rows::stream(ctx, self.rule.matches.sensor)?.map(Stream));
    }
}
