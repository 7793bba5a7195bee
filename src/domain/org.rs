//! Organizations and the people in them.

use super::check::check_text;
use super::{FieldError, Micros, OrgId, UserId};

/// The organization every installation begins with.
pub const DEFAULT_ORG: &str = "default";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    pub id: OrgId,
    /// Lower-case letters, digits and hyphens, 1..=50, unique.
    pub slug: String,
    pub name: String,
    pub created_at: Micros,
}

/// What is wrong with a slug, if anything.
pub fn slug_problems(slug: &str) -> Vec<FieldError> {
    let mut found = Vec::new();
    check_text(&mut found, "slug", slug, 1, 50);
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if found.is_empty() && (!slug.chars().all(plain) || slug.starts_with('-')) {
        let message = format!("`{slug}` is not a slug: use lower-case letters, digits and hyphens");
        found.push(FieldError::new("slug", message));
    }
    found
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub org: OrgId,
    /// 1..=150 characters, unique over all organizations.
    pub name: String,
    /// argon2id, PHC string format.
    pub password_hash: String,
    pub is_staff: bool,
    pub is_superuser: bool,
    pub enabled: bool,
    pub created_at: Micros,
}

#[derive(Debug, Clone)]
pub struct NewUser {
    pub name: String,
    pub password_hash: String,
    pub is_staff: bool,
    pub is_superuser: bool,
}
