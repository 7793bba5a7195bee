//! Changes of events.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use serde::Serialize;
use serde_json::Value;

use super::{Deleted, input};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::Level;
use crate::api::graphql::errors::{UserError, settle};
use crate::api::graphql::ids::{self, Noun};
use crate::api::graphql::objects::event::Event;
use crate::api::graphql::scalars::DateTime;
use crate::api::rest::event;
use crate::api::rest::fields::Mode;
use crate::app::event as found;
use crate::domain::{self, EventId};

/// Fields that name rows.
const ROWS: [(&str, Noun); 2] = [("device", Noun::Device), ("data", Noun::Stream)];

#[derive(Default)]
pub struct Mutations;

/// What an event may be given beside its kind. Fields left out keep their value, or get their default.
#[derive(InputObject, Serialize)]
pub struct EventSettings {
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    device: MaybeUndefined<ID>,
    /// The stream it is about.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    data: MaybeUndefined<ID>,
    /// Default `info`.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    level: MaybeUndefined<Level>,
    /// Default now.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    timestamp: MaybeUndefined<DateTime>,
    /// At most 4,000 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    message: MaybeUndefined<String>,
    /// Of http or https, at most 2,000 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    url: MaybeUndefined<String>,
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    payload: MaybeUndefined<Value>,
}

#[derive(InputObject, Serialize)]
pub struct CreateEventInput {
    /// 1 to 32 letters, digits, underscores or hyphens, such as `alarm`.
    kind: String,
    #[graphql(flatten)]
    #[serde(flatten)]
    settings: EventSettings,
}

#[derive(InputObject, Serialize)]
pub struct UpdateEventInput {
    /// 1 to 32 letters, digits, underscores or hyphens, such as `alarm`.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    kind: MaybeUndefined<String>,
    /// Whether somebody has taken note of it.
    #[serde(skip)]
    acknowledged: Option<bool>,
    #[graphql(flatten)]
    #[serde(flatten)]
    settings: EventSettings,
}

/// What to look for at an event's URL.
#[derive(InputObject, Serialize)]
pub struct ProcessEventInput {
    /// A CSS selector; null is the whole text.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    selector: MaybeUndefined<String>,
    /// The attribute wanted of each element; null is its text.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    attr: MaybeUndefined<String>,
}

/// What was found at an event's URL.
#[derive(SimpleObject)]
pub struct Processed {
    url: String,
    /// Of HTTP.
    status: u16,
    /// The media type; empty when none was told.
    content_type: String,
    selector: Option<String>,
    attr: Option<String>,
    results: Vec<String>,
}

impl From<found::Processed> for Processed {
    fn from(of: found::Processed) -> Self {
        Self {
            url: of.url,
            status: of.found.status,
            content_type: of.found.content_type,
            selector: of.request.selector,
            attr: of.request.attr,
            results: of.found.results,
        }
    }
}

/// What became of processing an event.
#[derive(SimpleObject)]
pub struct ProcessEventPayload {
    event: Option<Event>,
    processed: Option<Processed>,
    errors: Vec<UserError>,
}

/// What became of an event.
#[derive(SimpleObject)]
pub struct EventPayload {
    event: Option<Event>,
    errors: Vec<UserError>,
}

impl EventPayload {
    fn of(result: domain::Result<domain::event::Event>) -> Result<Self> {
        let (event, errors) = settle(result)?;
        Ok(Self { event: event.map(Event), errors })
    }
}

#[Object(name = "EventMutations")]
impl Mutations {
    async fn create_event(&self, ctx: &Context<'_>, input: CreateEventInput) -> Result<EventPayload> {
        let fields = input::fields(&input, Mode::Whole, &ROWS);
        EventPayload::of(event::make(app(ctx), caller(ctx), fields).await)
    }

    /// Changes the fields that are given.
    async fn update_event(
        &self,
        ctx: &Context<'_>,
        id: Option<ID>,
        row_id: Option<i32>,
        input: UpdateEventInput,
    ) -> Result<EventPayload> {
        let fields = input::fields(&input, Mode::Partial, &ROWS);
        let made = match ids::either(Noun::Event, id.as_ref(), row_id) {
            Ok(row) => event::change(app(ctx), caller(ctx), EventId(row), fields, input.acknowledged).await,
            Err(error) => Err(error),
        };
        EventPayload::of(made)
    }

    /// Fetches the event's URL and finds what is wanted in it. The answer is also kept in the event, as
    /// `payload.processed`.
    async fn process_event(
        &self,
        ctx: &Context<'_>,
        id: Option<ID>,
        row_id: Option<i32>,
        input: Option<ProcessEventInput>,
    ) -> Result<ProcessEventPayload> {
        let fields = input::fields(&input, Mode::Whole, &[]);
        let made = match ids::either(Noun::Event, id.as_ref(), row_id) {
            Ok(row) => event::look(app(ctx), caller(ctx), EventId(row), fields).await,
            Err(error) => Err(error),
        };
        let (made, errors) = settle(made)?;
        let (event, processed) = made.map(|(event, found)| (Event(event), found.into())).unzip();
        Ok(ProcessEventPayload { event, processed, errors })
    }

    async fn delete_event(&self, ctx: &Context<'_>, id: Option<ID>, row_id: Option<i32>) -> Result<Deleted> {
        let row = ids::either(Noun::Event, id.as_ref(), row_id)?;
        Ok(Deleted::of(row, settle(app(ctx).delete_event(caller(ctx), EventId(row)).await)?))
    }
}
