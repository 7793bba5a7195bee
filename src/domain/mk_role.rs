//! Roles on the MK platform, and what each of them may do.

use super::client_role::Role;
use super::named_enum::named_enum;
use super::{Resource, Scope, Scopes};

named_enum! {
    /// Role of a caller of the MK platform.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum MkRole {
        /// The person who answers for the organization; only by a JSON web token.
        Owner = "owner",
        /// Everything except what belongs to the owner.
        Admin = "admin",
        /// Everything except what belongs to administrators.
        Member = "member",
        /// Reading.
        Readonly = "readonly",
    }
    display;
    one_of "role";
}

/// Permission that an operation of the MK platform needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MkPermission {
    /// Reading the rows of the organization.
    Read,
    /// Changing rows that members may change.
    Write,
    /// Tasks of administrators: profiles, packs, firmware, billing, quarantine and keys.
    Manage,
    /// Tasks of the owner: the plan.
    Own,
}

impl MkRole {
    /// The role of a key: one without a role is an administrator's, and one with a role of another API reads.
    pub fn of_key(role: Option<Role>) -> MkRole {
        match role {
            None | Some(Role::Admin) => MkRole::Admin,
            Some(Role::Member) => MkRole::Member,
            Some(Role::Readonly | Role::Viewer | Role::OrgViewer | Role::Operator | Role::Importer) => {
                MkRole::Readonly
            }
        }
    }

    /// Whether the role includes a right.
    pub fn allows(self, right: MkPermission) -> bool {
        match right {
            MkPermission::Read => true,
            MkPermission::Write => self != MkRole::Readonly,
            MkPermission::Manage => matches!(self, MkRole::Owner | MkRole::Admin),
            MkPermission::Own => self == MkRole::Owner,
        }
    }

    /// The scopes that the role amounts to in the core.
    pub fn scopes(self) -> Scopes {
        use Resource::{Data, Device, EventLog, Group, Statistic, System, Value};
        let shared = [Device, Data, Group, Value, Statistic, EventLog];
        let mut scopes: Vec<Scope> = shared.map(Scope::read).to_vec();
        if self.allows(MkPermission::Write) {
            scopes.extend(shared.map(Scope::write));
        }
        if self.allows(MkPermission::Manage) {
            scopes.push(Scope::write(System));
        }
        scopes.into_iter().collect()
    }
}

impl MkPermission {
    /// Every right.
    pub const ALL: [MkPermission; 4] =
        [MkPermission::Read, MkPermission::Write, MkPermission::Manage, MkPermission::Own];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_may_do_what_the_contract_says() {
        let rows = [
            (MkRole::Owner, [true, true, true, true]),
            (MkRole::Admin, [true, true, true, false]),
            (MkRole::Member, [true, true, false, false]),
            (MkRole::Readonly, [true, false, false, false]),
        ];
        for (role, expected) in rows {
            assert_eq!(MkPermission::ALL.map(|right| role.allows(right)), expected, "{role}");
            let scopes = role.scopes();
            assert!(scopes.allows(Scope::read(Resource::Device)), "{role}");
            assert_eq!(scopes.allows(Scope::write(Resource::Device)), expected[1], "{role}");
            assert_eq!(scopes.allows(Scope::write(Resource::System)), expected[2], "{role}");
            assert!(!scopes.allows(Scope::read(Resource::WebrtcTerminal)), "{role}");
            assert_eq!(role.name().parse::<MkRole>().ok(), Some(role));
        }
        assert!("root".parse::<MkRole>().is_err());
    }

    #[test]
    fn a_key_without_a_role_is_an_administrators() {
        let rows = [
            (None, MkRole::Admin),
            (Some(Role::Admin), MkRole::Admin),
            (Some(Role::Member), MkRole::Member),
            (Some(Role::Readonly), MkRole::Readonly),
            (Some(Role::Operator), MkRole::Readonly),
        ];
        for (role, expected) in rows {
            assert_eq!(MkRole::of_key(role), expected, "{role:?}");
        }
    }
}
