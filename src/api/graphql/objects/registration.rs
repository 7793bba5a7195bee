//! Type of registration tokens of the schema.

use std::sync::Arc;

use async_graphql::Object;

use super::device::Device;
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

/// A token by which a device gets its certificate, once. The token itself is shown only once, when it is issued.
#[Object]
impl RegistrationToken {
    /// UUID of the token.
    async fn uuid(&self) -> String {
        self.token.uuid.to_string()
    }

    /// Device that the token is for.
    async fn device(&self) -> Device {
        Device(self.device.clone())
    }

    /// State of the token; one that is listed is `PENDING`.
    async fn status(&self) -> &'static str {
        self.token.state.name()
    }

    /// Time of creation.
    async fn created_at(&self) -> DateTime {
        DateTime(self.token.created_at)
    }

    /// Time from which it cannot be used.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.token.expires_at)
    }
}
