//! Type of capture rules of the schema.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use super::camera::Camera;
use super::{DocumentHead, DocumentNode, find_all};
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
        let rule = app.capture_rule(who, &document).ok()?.spec;
        Some(Self { document, rule })
    }

    fn document(&self) -> &Arc<Document> {
        &self.document
    }
}

/// A capture rule: which events make cameras record. A rule is for the events that have all of what it names.
#[Object]
impl MediaCaptureRule {
    #[graphql(flatten)]
    async fn head(&self) -> DocumentHead {
        DocumentHead(self.document.clone())
    }

    /// Name of the rule, 1 to 255 characters, unique in the organization.
    async fn name(&self) -> &str {
        &self.rule.name
    }

    /// Cameras that record and that the caller may read.
    #[graphql(complexity = "paging::cost_of(USUAL_CAMERAS, child_complexity)")]
    async fn cameras(&self, ctx: &Context<'_>) -> Result<Vec<Camera>> {
        find_all(ctx, &self.rule.cameras)
    }

    /// Source of the events: `ALERT_RULE`, `DEVICE`, `USER`, `SYSTEM` or `JOB`; null for any.
    async fn source(&self) -> Option<&str> {
        self.rule.matches.source.as_deref()
    }

    /// Severity of the events: `INFO`, `WARNING` or `CRITICAL`; null for any.
    async fn severity(&self) -> Option<&str> {
        self.rule.matches.severity.as_deref()
    }

    /// Device of the events; null for any, and for one that was deleted or that the caller may not read.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>> {
        match self.rule.matches.device {
            Some(id) => Ok(rows::device(ctx, id)?.map(Device)),
            None => Ok(None),
        }
    }

    /// Stream of the events; null for any, and for one that was deleted or that the caller may not read.
    async fn stream(&self, ctx: &Context<'_>) -> Result<Option<Stream>> {
        match self.rule.matches.sensor {
            Some(id) => Ok(rows::stream(ctx, id)?.map(Stream)),
            None => Ok(None),
        }
    }

    /// Time before the event, 0 to 300 seconds, which only a camera with a recorder has.
    async fn pre_roll_seconds(&self) -> i64 {
        self.rule.pre_roll_s
    }

    /// Time after the event, 0 to 300 seconds.
    async fn post_roll_seconds(&self) -> i64 {
        self.rule.post_roll_s
    }

    /// Seconds after a capture in which events are ignored.
    async fn cooldown_seconds(&self) -> i64 {
        self.rule.cooldown_s
    }

    /// Most captures in an hour.
    async fn max_per_hour(&self) -> i64 {
        self.rule.max_per_hour
    }

    /// Whether the rule is in force; false as well if its cameras, its device or its stream were deleted or are not the
    /// caller's to read.
    async fn enabled(&self) -> bool {
        self.rule.enabled
    }
}
