//! Roles of clients and of their users, and the permissions of each.

use super::named_enum::named_enum;
use super::{Resource, Scope, Scopes};

named_enum! {
    /// Role of a client or of its users.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Role {
        /// Sees the devices of which the user is the owner.
        Viewer = "viewer",
        /// Sees all devices of the organization.
        OrgViewer = "org-viewer",
        /// Sees all devices and sets their values.
        Operator = "operator",
        /// Sees all devices and imports their history.
        Importer = "importer",
        /// Everything that the API offers.
        Admin = "admin",
        /// Everything of the MK platform except what belongs to its administrators.
        Member = "member",
        /// Reading, and writing readings, on the MK platform.
        Readonly = "readonly",
    }
    display;
    field "role";
}

impl Role {
    /// Permissions of the role.
    pub fn permissions(self) -> Permissions {
        use Permission::{OrgDeviceDataImport, OrgDevicesControl, OrgDevicesView, OwnDevicesView};
        let permissions: &[Permission] = match self {
            Role::Viewer => &[OwnDevicesView],
            Role::OrgViewer | Role::Readonly => &[OrgDevicesView],
            Role::Operator => &[OrgDevicesView, OrgDevicesControl],
            Role::Importer => &[OrgDevicesView, OrgDeviceDataImport],
            Role::Admin | Role::Member => &Permission::ALL,
        };
        permissions.iter().copied().collect()
    }
}

named_enum! {
    /// One permission of Blynk's organization API.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Permission {
        /// Seeing the devices of which the user is the owner.
        OwnDevicesView = "OWN_DEVICES_VIEW",
        /// Seeing every device of the organization.
        OrgDevicesView = "ORG_DEVICES_VIEW",
        /// Setting values and properties of the devices that are seen.
        OrgDevicesControl = "ORG_DEVICES_CONTROL",
        /// Importing past values of the devices that are seen.
        OrgDeviceDataImport = "ORG_DEVICE_DATA_IMPORT",
    }
}

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u8);

impl Permissions {
    /// Every permission.
    pub fn all() -> Self {
        Permission::ALL.into_iter().collect()
    }

    /// Whether the set has this permission.
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u8) != 0
    }

    /// Whether the set allows seeing only the user's own devices, if any.
    pub fn is_own_only(self) -> bool {
        !self.contains(Permission::OrgDevicesView)
    }

    /// The scopes that these permissions amount to.
    pub fn scopes(self) -> Scopes {
        use Resource::{Data, Device, EventLog, Group, Statistic, Value};
        let is_all = self == Self::all();
        let read = [Device, Data, Group, Value, Statistic, EventLog].map(Scope::read);
        let mut scopes: Vec<Scope> = read.to_vec();
        if self.contains(Permission::OrgDevicesControl) {
            scopes.extend([Data, Value].map(Scope::write));
        }
        if self.contains(Permission::OrgDeviceDataImport) {
            scopes.push(Scope::write(Value));
        }
        if is_all {
            scopes.extend([Device, Data, Group, Value, Statistic, EventLog].map(Scope::write));
        }
        scopes.into_iter().collect()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Permissions(permissions.into_iter().fold(0, |bits, permission| bits | 1 << permission as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_the_permissions_of_the_contract() {
        let rows = [
            (Role::Viewer, "OWN_DEVICES_VIEW", false, false),
            (Role::OrgViewer, "ORG_DEVICES_VIEW", false, false),
            (Role::Operator, "ORG_DEVICES_VIEW ORG_DEVICES_CONTROL", true, true),
            (Role::Importer, "ORG_DEVICES_VIEW ORG_DEVICE_DATA_IMPORT", false, true),
            (
                Role::Admin,
                "OWN_DEVICES_VIEW ORG_DEVICES_VIEW ORG_DEVICES_CONTROL ORG_DEVICE_DATA_IMPORT",
                true,
                true,
            ),
        ];
        for (role, names, changes_data, writes_values) in rows {
            let permissions = role.permissions();
            let found: Vec<_> = Permission::ALL
                .into_iter()
                .filter(|p| permissions.contains(*p))
                .map(Permission::name)
                .collect();
            assert_eq!(found.join(" "), names, "{role}");
            let allows = |resource| permissions.scopes().allows(Scope::write(resource));
            assert_eq!(
                (allows(Resource::Data), allows(Resource::Value)),
                (changes_data, writes_values),
                "{role}"
            );
            assert!(!allows(Resource::System) && !allows(Resource::WebrtcTerminal), "{role}");
        }
    }
}
