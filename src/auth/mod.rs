//! What proves an identity: secrets of API keys, passwords, signatures of terminal grants and licenses. Pure: it decides,
//! it never fetches.
//!
//! Looking a key up, and what a principal may then do, belong to `app/` and `domain/`.

pub mod grant;
pub mod key;
pub mod license;
pub mod password;
