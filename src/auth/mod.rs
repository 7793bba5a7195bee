//! What proves an identity: secrets of API keys and passwords. Pure: it decides, it never fetches.
//!
//! Looking a key up, and what a principal may then do, belong to `app/` and `domain/`.

pub mod key;
pub mod password;
