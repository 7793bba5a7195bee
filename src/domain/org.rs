//! Organizations and their users.

use uuid::Uuid;

use super::validation::check_text;
use super::{FieldError, Micros, OrgId, UserId};

/// Slug of the organization that every installation starts with.
pub const DEFAULT_ORG: &str = "default";

/// An organization (tenant): owns every other row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    /// Row id.
    pub id: OrgId,
    /// Assigned at creation, for systems that identify organizations by UUID; version 4.
    pub uuid: Uuid,
    /// Lower-case letters, digits and hyphens, 1..=50, unique.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// Time of creation.
    pub created_at: Micros,
}

/// Checks an organization's slug; returns what is wrong with it.
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

/// A user as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Row id.
    pub id: UserId,
    /// Organization that the user belongs to.
    pub org: OrgId,
    /// 1..=150 characters, unique over all organizations.
    pub name: String,
    /// argon2id, PHC string format.
    pub password_hash: String,
    /// Whether the user may log in to the administration.
    pub is_staff: bool,
    /// As `is_staff`; such a user also reads the organization's whole audit log.
    pub is_superuser: bool,
    /// Whether the user may log in at all; disabling ends its sessions.
    pub enabled: bool,
    /// Time of creation.
    pub created_at: Micros,
}

impl User {
    /// Whether the user may log in to the administration.
    pub fn may_log_in(&self) -> bool {
        self.enabled && (self.is_staff || self.is_superuser)
    }
}

/// A user to be created.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// 1..=150 characters, not yet taken.
    pub name: String,
    /// argon2id, PHC string format.
    pub password_hash: String,
    /// As in `User`.
    pub is_staff: bool,
    /// As in `User`.
    pub is_superuser: bool,
}

/// Changes a server administrator may make to a user; `None` keeps the current value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserChange {
    /// New value of `User::is_staff`.
    pub is_staff: Option<bool>,
    /// New value of `User::is_superuser`.
    pub is_superuser: Option<bool>,
    /// New value of `User::enabled`.
    pub enabled: Option<bool>,
}

impl UserChange {
    /// Applies the changes to `user`.
    pub fn apply(self, user: &mut User) {
        user.is_staff = self.is_staff.unwrap_or(user.is_staff);
        user.is_superuser = self.is_superuser.unwrap_or(user.is_superuser);
        user.enabled = self.enabled.unwrap_or(user.enabled);
    }

    /// Names of the fields that the change would alter.
    pub fn differences(self, user: &User) -> Vec<&'static str> {
        let fields = [
            ("is_staff", self.is_staff.is_some_and(|is| is != user.is_staff)),
            ("is_superuser", self.is_superuser.is_some_and(|is| is != user.is_superuser)),
            ("enabled", self.enabled.is_some_and(|is| is != user.enabled)),
        ];
        fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
}
