//! Command type of the schema.

use async_graphql::Object;

use super::device::Device;
use crate::api::graphql::object::object;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::DateTime;
use crate::domain::command;

/// A request that waits for a device or its gateway, or its answer.
pub struct Command(pub command::Command);

object! {
    #[Object]
    /// A request that waits for a device or its gateway, or its answer.
    impl Command(self) {
        /// UUID of the command.
        uuid: String = self.0.uuid.to_string();
        /// Type of the command, such as `set`, `get` or `vw`.
        #[graphql(name = "type")]
        kind: &str = &self.0.spec.kind;
        /// Arguments as a JSON object.
        params: serde_json::Value = serde_json::Value::Object(self.0.spec.params.members());
        /// State: `pending`, `sent`, `acknowledged`, `done`, `failed` or `expired`.
        state: &str = self.0.state.name();
        /// The device's answer; null for none.
        result: serde_json::Value = self.0.result.clone();
        /// Why it failed; may be empty.
        error: &str = &self.0.error;
        /// Time of creation.
        created_at: DateTime = DateTime(self.0.created_at);
        /// Time from which it is neither delivered nor answered.
        expires_at: DateTime = DateTime(self.0.expires_at);
        /// Time at which it was passed on.
        sent_at: Option<DateTime> = self.0.sent_at.map(DateTime);
        /// Time at which the device acknowledged it.
        acked_at: Option<DateTime> = self.0.acked_at.map(DateTime);
        /// Time of the final answer.
        done_at: Option<DateTime> = self.0.done_at.map(DateTime);
    }
    with ctx {
        /// Device of the command; null if the caller may not read it.
        device: Option<Device> = Ok(rows::device(ctx, self.0.spec.device)?.map(Device));
    }
}
