//! Roles of the people who log in, and what each of them may do.

use super::named_enum::named_enum;
use super::{Access, Scope, Scopes};

named_enum! {
    /// Role of a user in its organization.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum UserRole {
        /// The user may not log in; clients of vendors' APIs may act for it.
        None = "none",
        /// Reading everything and changing nothing but the own password and preferences.
        Viewer = "viewer",
        /// Everything but users, keys, clients and the audit log.
        Staff = "staff",
        /// Everything.
        Superuser = "superuser",
    }
    display;
    one_of "role";
}

impl UserRole {
    /// Scopes of a session of a user with this role.
    pub fn scopes(self) -> Scopes {
        match self {
            UserRole::None => Scopes::NONE,
            UserRole::Viewer => Scope::all().filter(|scope| scope.access == Access::Read).collect(),
            UserRole::Staff | UserRole::Superuser => Scopes::all(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Resource;

    #[test]
    fn a_viewer_reads_everything_and_changes_nothing() {
        for resource in Resource::ALL {
            // Terminal grants are never read.
            let is_read = resource != Resource::WebrtcTerminal;
            let allowed = UserRole::ALL
                .map(|role| [Scope::read, Scope::write].map(|of| role.scopes().allows(of(resource))));
            assert_eq!(
                allowed,
                [[false, false], [is_read, false], [true, true], [true, true]],
                "{resource:?}"
            );
        }
    }

    #[test]
    fn a_role_is_read_by_its_name() {
        for role in UserRole::ALL {
            assert_eq!(role.name().parse::<UserRole>().ok(), Some(role));
        }
        assert!("root".parse::<UserRole>().is_err());
    }
}
