//! Signed addresses of uploaded objects: whoever has one may send, or fetch, one object for a limited time, without any
//! other credential.
//!
//! The query has the names of S3's presigned addresses (`X-Amz-Date`, `X-Amz-Expires`, `X-Amz-Signature`), as clients of
//! the platform expect them. The signature is ours: HMAC-SHA256 over method, path, date and lifetime.

use std::fmt;

use ring::hmac;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

use crate::domain::Micros;
use crate::domain::time::MICROS_PER_SECOND;

/// Length of the secret from which a key is made, bytes.
pub const SECRET_LEN: usize = 32;
/// Longest lifetime of an address, seconds.
pub const MAX_LIFETIME_S: u32 = 7 * 24 * 3600;

/// Key that signs addresses and verifies its own signatures.
pub struct PathSigner(hmac::Key);

/// The parameters of a signed address, as they were received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedQuery<'a> {
    /// `X-Amz-Date`: time of signing, such as `20260428T120000Z`.
    pub date: &'a str,
    /// `X-Amz-Expires`: lifetime, seconds.
    pub expires: &'a str,
    /// `X-Amz-Signature`: 64 hexadecimal digits.
    pub signature: &'a str,
}

impl PathSigner {
    /// Makes the key of a secret.
    pub fn new(secret: &[u8; SECRET_LEN]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Returns the query that admits `method` to `path` until `lifetime_s` seconds after `now`, whole seconds.
    pub fn sign(&self, method: &str, path: &str, now: Micros, lifetime_s: u32) -> String {
        let date = date_text(now);
        let text = signed_text(method, path, &date, lifetime_s);
        let signature = hex::encode(hmac::sign(&self.0, text.as_bytes()));
        format!("X-Amz-Date={date}&X-Amz-Expires={lifetime_s}&X-Amz-Signature={signature}")
    }

    /// Whether this key signed the query for this method and path, and its time is not over. The signature is compared in
    /// constant time.
    pub fn admits(&self, method: &str, path: &str, query: SignedQuery<'_>, now: Micros) -> bool {
        let Ok(lifetime_s) = query.expires.parse::<u32>() else { return false };
        let Some(issued_at) = parse_date(query.date) else { return false };
        let Ok(signature) = hex::decode(query.signature) else { return false };
        let text = signed_text(method, path, query.date, lifetime_s);
        let is_ours = hmac::verify(&self.0, text.as_bytes(), &signature).is_ok();
        let end = issued_at.0.saturating_add(i64::from(lifetime_s) * MICROS_PER_SECOND);
        is_ours && lifetime_s <= MAX_LIFETIME_S && now.0 < end
    }
}

impl fmt::Debug for PathSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PathSigner")
    }
}

/// No part contains a line break: a method and a path of a request cannot.
fn signed_text(method: &str, path: &str, date: &str, lifetime_s: u32) -> String {
    format!("{method}\n{path}\n{date}\n{lifetime_s}")
}

/// Whole seconds in the basic format of ISO-8601. The clock of a server is within the years 1970 to 2261.
fn date_text(now: Micros) -> String {
    let at = OffsetDateTime::from_unix_timestamp(now.0.div_euclid(MICROS_PER_SECOND))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (hour, minute, second) = at.to_hms();
    let (year, month, day) = at.to_calendar_date();
    format!("{year:04}{:02}{day:02}T{hour:02}{minute:02}{second:02}Z", u8::from(month))
}

fn parse_date(text: &str) -> Option<Micros> {
    let digits = |from: usize, to: usize| {
        let part = text.get(from..to)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<u16>().ok()).flatten()
    };
    if text.len() != 16 || text.get(8..9) != Some("T") || text.get(15..) != Some("Z") {
        return None;
    }
    let part = |from, to| digits(from, to).and_then(|number| u8::try_from(number).ok());
    let month = Month::try_from(part(4, 6)?).ok()?;
    let date = Date::from_calendar_date(i32::from(digits(0, 4)?), month, part(6, 8)?).ok()?;
    let time = Time::from_hms(part(9, 11)?, part(11, 13)?, part(13, 15)?).ok()?;
    let at = PrimitiveDateTime::new(date, time).assume_utc();
    Some(Micros(at.unix_timestamp().checked_mul(MICROS_PER_SECOND)?))
}

#[cfg(test)]
#[path = "signed_path_tests.rs"]
mod tests;
