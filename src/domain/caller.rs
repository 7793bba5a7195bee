//! Identity of a caller: the kind of credential behind a request, and its id.

use std::fmt;

use super::{ClientId, DeviceId, KeyId, UserId};

/// Kind and id of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    /// An API key.
    Key(KeyId),
    /// A logged-in user.
    User(UserId),
    /// A client of a vendor's API, by one of its tokens.
    Client {
        /// The client.
        client: ClientId,
        /// The user whose rights the token carries.
        user: Option<UserId>,
    },
    /// A user whom only the issuer of JSON web tokens of the MK platform knows: the first 8 bytes of the SHA-256 of the
    /// token's subject.
    Subject(u64),
    /// A collector that writes the readings of its device.
    Device(DeviceId),
    /// The server itself, or a command run by the owner of the data directory.
    System,
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Caller::Key(id) => write!(f, "key:{id}"),
            Caller::User(id) => write!(f, "user:{id}"),
            Caller::Client { client, user: None } => write!(f, "client:{client}"),
            Caller::Client { client, user: Some(user) } => write!(f, "client:{client}/user:{user}"),
            Caller::Subject(hash) => write!(f, "subject:{hash:016x}"),
            Caller::Device(id) => write!(f, "device:{id}"),
            Caller::System => f.write_str("system"),
        }
    }
}
