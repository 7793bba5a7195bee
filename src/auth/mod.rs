//! Authentication primitives: secrets of API keys and clients, passwords, session and access tokens, JSON web tokens,
//! certificates of devices, signatures of terminal grants and licenses, and rate limits for attempts. Pure: it decides, it never fetches.
//!
//! Looking a key up, and what a principal may then do, belong to `app/` and `domain/`.

pub mod admin_token;
pub mod certificate;
pub mod client;
pub mod grant;
pub mod jwt;
pub mod key;
pub mod license;
pub mod password;
pub mod rate_limiter;
pub mod session;
pub mod token;
