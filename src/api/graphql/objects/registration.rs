//! Type of registration tokens of the schema.

use std::sync::Arc;

use async_graphql::Object;

use super::device::Device;
use crate::api::graphql::object::object;
use crate::api::graphql::scalars::DateTime;
use crate::domain::device;
use crate::domain::registration::Registration;

/// A registration token with its device.
pub struct RegistrationToken {
    /// The token, of which only the hash of its secret is known.
    pub token: Arc<Registration>,
    /// The device that it is for.
    pub device: Arc<device::Device>,
}

object! {
    #[Object]
    /// A token by which a device gets its certificate, once. The token itself is shown only once, when it is issued.
    impl RegistrationToken(self) {
        /// UUID of the token.
        uuid: String = self.token.uuid.to_string();
        /// Device that the token is for.
        device: Device = Device(self.device.clone());
        /// State of the token; one that is listed is `PENDING`.
        status: &'static str = self.token.state.name();
        /// Time of creation.
        created_at: DateTime = DateTime(self.token.created_at);
        /// Time from which it cannot be used.
        expires_at: DateTime = DateTime(self.token.expires_at);
    }
}
