//! Row ids: positive, below 2^31, never reused after a delete.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i32);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

id! {
    /// An organization: every row belongs to exactly one.
    OrgId,
    /// A person who logs in.
    UserId,
    /// An API key.
    KeyId,
    /// A device.
    DeviceId,
    /// A stream (DataStone calls it "data").
    StreamId,
    /// A group of streams.
    GroupId,
    /// A row of the event log.
    EventId,
    /// A login.
    SessionId,
    /// An anomaly detection model.
    ModelId,
    /// A product: the type of a device.
    ProductId,
    /// A client of a vendor's API.
    ClientId,
    /// A pair of an access and a refresh token.
    TokenId,
    /// A command for a device.
    CommandId,
    /// A quarantined reading.
    QuarantineId,
    /// A document of the MK platform.
    DocumentId,
    /// An annotation.
    AnnotationId,
    /// An export.
    ExportId,
    /// A job.
    JobId,
    /// A registration token of a device.
    RegistrationId,
    /// A rule that raises alerts.
    AlertRuleId,
}
