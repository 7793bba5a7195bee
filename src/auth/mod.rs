//! What proves an identity: secrets of API keys, passwords, tokens of sessions, signatures of terminal grants and licenses;
//! and how often somebody may try. Pure: it decides, it never fetches.
//!
//! Looking a key up, and what a principal may then do, belong to `app/` and `domain/`.

pub mod grant;
pub mod key;
pub mod license;
pub mod password;
pub mod session;
pub mod throttle;
