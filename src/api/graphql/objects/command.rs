//! Command type of the schema.

use async_graphql::{Context, Object, Result};

use super::device::Device;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::DateTime;
use crate::domain::command;

/// A request that waits for a device or its gateway, or its answer.
pub struct Command(pub command::Command);

/// A request that waits for a device or its gateway, or its answer.
#[Object]
impl Command {
    /// UUID of the command.
    async fn uuid(&self) -> String {
        self.0.uuid.to_string()
    }

    /// Type of the command, such as `set`, `get` or `vw`.
    #[graphql(name = "type")]
    async fn kind(&self) -> &str {
        &self.0.spec.kind
    }

    /// Arguments as a JSON object.
    async fn params(&self) -> serde_json::Value {
        serde_json::Value::Object(self.0.spec.params.members())
    }

    /// State: `pending`, `sent`, `acknowledged`, `done`, `failed` or `expired`.
    async fn state(&self) -> &str {
        self.0.state.name()
    }

    /// The device's answer; null for none.
    async fn result(&self) -> serde_json::Value {
        self.0.result.clone()
    }

    /// Why it failed; may be empty.
    async fn error(&self) -> &str {
        &self.0.error
    }

    /// Time of creation.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Time from which it is neither delivered nor answered.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.0.expires_at)
    }

    /// Time at which it was passed on.
    async fn sent_at(&self) -> Option<DateTime> {
        self.0.sent_at.map(DateTime)
    }

    /// Time at which the device acknowledged it.
    async fn acked_at(&self) -> Option<DateTime> {
        self.0.acked_at.map(DateTime)
    }

    /// Time of the final answer.
    async fn done_at(&self) -> Option<DateTime> {
        self.0.done_at.map(DateTime)
    }

    /// Device of the command; null if the caller may not read it.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>> {
        Ok(rows::device(ctx, self.0.spec.device)?.map(Device))
    }
}
