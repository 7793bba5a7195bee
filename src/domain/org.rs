//! Organizations and their users.

use uuid::Uuid;

use super::user_role::UserRole;
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
    /// Whether the user may log in and do everything; such a user also reads the organization's whole audit log.
    pub is_superuser: bool,
    /// Whether the user may log in and read; without effect beside the other two.
    pub is_viewer: bool,
    /// Whether the user may log in at all; disabling ends its sessions.
    pub enabled: bool,
    /// Time of creation.
    pub created_at: Micros,
}

impl User {
    /// The highest role that the user has.
    pub fn role(&self) -> UserRole {
        match (self.is_superuser, self.is_staff, self.is_viewer) {
            (true, ..) => UserRole::Superuser,
            (_, true, _) => UserRole::Staff,
            (.., true) => UserRole::Viewer,
            (false, false, false) => UserRole::None,
        }
    }

    /// Whether the user may log in.
    pub fn may_log_in(&self) -> bool {
        self.enabled && self.role() != UserRole::None
    }
}

/// A user to be created.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// 1..=150 characters, not yet taken.
    pub name: String,
    /// argon2id, PHC string format.
    pub password_hash: String,
    /// Whether the user may log in to the administration.
    pub is_staff: bool,
    /// Whether the user may log in and do everything.
    pub is_superuser: bool,
    /// Whether the user may log in and read.
    pub is_viewer: bool,
}

/// Changes that administrators and superusers may make to a user; `None` keeps the current value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// New value of `User::is_staff`.
    pub is_staff: Option<bool>,
    /// New value of `User::is_superuser`.
    pub is_superuser: Option<bool>,
    /// New value of `User::is_viewer`.
    pub is_viewer: Option<bool>,
    /// New value of `User::enabled`.
    pub enabled: Option<bool>,
    /// New value of `User::password_hash`.
    pub password_hash: Option<String>,
}

impl UserChange {
    /// The change to exactly this role.
    pub fn to_role(role: UserRole) -> Self {
        Self {
            is_staff: Some(role == UserRole::Staff),
            is_superuser: Some(role == UserRole::Superuser),
            is_viewer: Some(role == UserRole::Viewer),
            ..Self::default()
        }
    }

    /// Applies the changes to `user`.
    pub fn apply(&self, user: &mut User) {
        user.is_staff = self.is_staff.unwrap_or(user.is_staff);
        user.is_superuser = self.is_superuser.unwrap_or(user.is_superuser);
        user.is_viewer = self.is_viewer.unwrap_or(user.is_viewer);
        user.enabled = self.enabled.unwrap_or(user.enabled);
        if let Some(hash) = &self.password_hash {
            user.password_hash.clone_from(hash);
        }
    }

    /// Names of the fields that the change would alter.
    pub fn differences(&self, user: &User) -> Vec<&'static str> {
        let fields = [
            ("is_staff", self.is_staff.is_some_and(|is| is != user.is_staff)),
            ("is_superuser", self.is_superuser.is_some_and(|is| is != user.is_superuser)),
            ("is_viewer", self.is_viewer.is_some_and(|is| is != user.is_viewer)),
            ("enabled", self.enabled.is_some_and(|is| is != user.enabled)),
            ("password", self.password_hash.is_some()),
        ];
        fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
}
