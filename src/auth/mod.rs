//! Authentication primitives: API key secrets, passwords, session tokens, signatures of terminal grants and licenses,
//! and rate limits for attempts. Pure: it decides, it never fetches.
//!
//! Looking a key up, and what a principal may then do, belong to `app/` and `domain/`.

pub mod grant;
pub mod key;
pub mod license;
pub mod password;
pub mod rate_limiter;
pub mod session;
