//! Fields of `Query` for MQTT sessions, quarantined readings and registration tokens.

use async_graphql::{Context, ID, Object, Result};
use uuid::Uuid;

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::none_if_not_found;
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::object::object;
use crate::api::graphql::objects::mqtt_session::{MqttSession, MqttSessionPage};
use crate::api::graphql::objects::quarantine::{QuarantinedReading, QuarantinedReadingPage};
use crate::api::graphql::objects::registration::RegistrationToken;
use crate::api::graphql::paging::{self, ListCursor};
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::domain::pagination::Pagination;
use crate::domain::quarantine::{QuarantineFilter, QuarantineReason};
use crate::domain::{DeviceId, Error};

/// Queries of how devices connect, and of what was not accepted from them.
#[derive(Default)]
pub struct PlatformQueries;

object! {
    #[Object(name = "PlatformQueries")]
    impl PlatformQueries(self) {}
    pages(ctx, page, child_complexity) {
        /// Registration tokens that a device can still use, without their secrets. A restricted caller sees none.
        registration_tokens(): RegistrationToken = {
            let tokens = app(ctx).mk.provisioning.pending_registrations(caller(ctx))?;
            let node = |(token, device)| RegistrationToken { token, device };
            Ok(paging::paginate(tokens, page, |(token, _)| place_of(token), node)?)
        };
    }
    resolvers {
        /// Sessions of MQTT clients, with and without a connection, by owner and client id. A caller that is restricted to
        /// some devices sees those of these devices only.
        #[graphql(complexity = "paging::cost(first, None, child_complexity)")]
        #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
        async fn mqtt_sessions(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Only sessions of this device, by its id or row number.")] device: Option<ID>,
            #[graphql(desc = "Only sessions with a connection, or only those without one.")] connected: Option<
                bool,
            >,
            #[graphql(desc = "Number of sessions: maximum 1,000; default 100.")] first: Option<i32>,
            #[graphql(desc = "Number of sessions to skip; default 0.")] offset: Option<i32>,
        ) -> Result<MqttSessionPage> {
            let device = device.map(|id| ids::parse_row_id(NodeType::Device, &id, "device")).transpose()?;
            let Pagination { offset, limit } = page_of(first, offset)?;
            let mut sessions = app(ctx).mqtt.sessions.sessions(caller(ctx))?;
            sessions.retain(|session| {
                device.is_none_or(|device| session.device() == Some(DeviceId(device)))
                    && connected.is_none_or(|connected| session.is_connected == connected)
            });
            let total_count = i32::try_from(sessions.len()).unwrap_or(i32::MAX);
            let nodes = sessions.into_iter().skip(offset).take(limit).map(MqttSession).collect();
            Ok(MqttSessionPage { total_count, nodes })
        }

        /// Readings that arrived and were not accepted, the newest first. They are kept for 30 days.
        #[graphql(complexity = "paging::cost(first, None, child_complexity)")]
        #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
        async fn quarantined_readings(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Only readings of this device, by its id or row number.")] device: Option<ID>,
            #[graphql(desc = "Only readings with this reason, such as `OUT_OF_RANGE`.")] reason: Option<String>,
            #[graphql(desc = "Start of the range of arrival, inclusive.")] from: Option<DateTime>,
            #[graphql(desc = "End of the range of arrival, exclusive.")] to: Option<DateTime>,
            #[graphql(desc = "Number of readings: maximum 1,000; default 100.")] first: Option<i32>,
            #[graphql(desc = "Number of readings to skip; default 0.")] offset: Option<i32>,
        ) -> Result<QuarantinedReadingPage> {
            let device = device.map(|id| ids::parse_row_id(NodeType::Device, &id, "device")).transpose()?;
            let filter = QuarantineFilter {
                device: device.map(DeviceId),
                reason: reason.map(|reason| reason.parse::<QuarantineReason>()).transpose()?,
                from: from.map(|from| from.0),
                to: to.map(|to| to.0),
                newest_first: true,
                after: None,
                page: page_of(first, offset)?,
            };
            let (rows, total) = app(ctx).quarantine.quarantined(caller(ctx), &filter).await?;
            let total_count = BigInt::saturating(total);
            Ok(QuarantinedReadingPage { total_count, nodes: rows.into_iter().map(QuarantinedReading).collect() })
        }

        /// One quarantined reading, by its UUID.
        async fn quarantined_reading(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "UUID of the quarantined reading, as text.")] uuid: String,
        ) -> Result<Option<QuarantinedReading>> {
            let Ok(uuid) = Uuid::try_parse(&uuid) else { return Ok(None) };
            let found = app(ctx).quarantine.quarantined_reading(caller(ctx), uuid).await;
            Ok(none_if_not_found(found)?.map(QuarantinedReading))
        }
    }
}

fn place_of(token: &crate::domain::registration::Registration) -> ListCursor {
    ListCursor { sort_key: String::new(), row: token.id.0 }
}

/// Reads the part of a list that is asked for.
fn page_of(first: Option<i32>, offset: Option<i32>) -> Result<Pagination, Error> {
    let limit = paging::count("first", first)?.unwrap_or(paging::DEFAULT_PAGE_SIZE);
    let offset = usize::try_from(offset.unwrap_or(0));
    let offset = offset.map_err(|_| Error::field("offset", "must not be negative"))?;
    Ok(Pagination { offset, limit })
}
