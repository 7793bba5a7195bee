//! Authentication primitives: secrets of API keys and clients, passwords, session and access tokens, JSON web tokens,
//! certificates and registration tokens of devices, signatures of terminal grants and licenses, and rate limits for attempts. Pure: it decides, it never fetches.
//!
//! Looking a key up, and what a principal may then do, belong to `app/` and `domain/`.

pub mod admin_token;
pub mod certificate;
pub mod client;
pub mod download_token;
pub mod grant;
pub mod jwt;
pub mod key;
pub mod license;
pub mod mk_token;
pub mod password;
pub mod rate_limiter;
pub mod registration;
pub mod sealed_text;
pub mod session;
pub mod signed_path;
pub mod token;
pub mod webhook_signature;
