//! Notifications about alerts: the channels that they go out by, and what becomes of each delivery.

pub mod address;
pub mod channel;
pub mod delivery;
pub mod mail;
mod secret;

pub use self::channel::{ChannelConfig, ChannelDraft, ChannelKind, ChannelTarget, NotificationChannelSpec};
pub use self::delivery::{AlertNotice, Delivery, DeliveryFailure, DeliveryStatus, RetryAfter};
pub use self::mail::{Mail, SmtpSecurity, SmtpSettings};
pub use self::secret::ChannelSecret;
