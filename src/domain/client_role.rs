//! Roles of clients and of their users, and the permissions of each.

use std::fmt;
use std::str::FromStr;

use super::{Error, Resource, Result, Scope, Scopes};

/// Role of a client or of its users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees the devices of which the user is the owner.
    Viewer,
    /// Sees all devices of the organization.
    OrgViewer,
    /// Sees all devices and sets their values.
    Operator,
    /// Sees all devices and imports their history.
    Importer,
    /// Everything that the API offers.
    Admin,
    /// Everything of the MK platform except what belongs to its administrators.
    Member,
    /// Reading, and writing readings, on the MK platform.
    Readonly,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 7] = [
        Role::Viewer,
        Role::OrgViewer,
        Role::Operator,
        Role::Importer,
        Role::Admin,
        Role::Member,
        Role::Readonly,
    ];

    /// Name used on the command line and in the catalog.
    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::OrgViewer => "org-viewer",
            Role::Operator => "operator",
            Role::Importer => "importer",
            Role::Admin => "admin",
            Role::Member => "member",
            Role::Readonly => "readonly",
        }
    }

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

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Role::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| Error::field("role", format!("\"{text}\" is not a valid choice.")))
    }
}

/// One permission of Blynk's organization API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Seeing the devices of which the user is the owner.
    OwnDevicesView,
    /// Seeing every device of the organization.
    OrgDevicesView,
    /// Setting values and properties of the devices that are seen.
    OrgDevicesControl,
    /// Importing past values of the devices that are seen.
    OrgDeviceDataImport,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Permission; 4] = [
        Permission::OwnDevicesView,
        Permission::OrgDevicesView,
        Permission::OrgDevicesControl,
        Permission::OrgDeviceDataImport,
    ];

    /// Name used in Blynk's API.
    pub fn name(self) -> &'static str {
        match self {
            Permission::OwnDevicesView => "OWN_DEVICES_VIEW",
            Permission::OrgDevicesView => "ORG_DEVICES_VIEW",
            Permission::OrgDevicesControl => "ORG_DEVICES_CONTROL",
            Permission::OrgDeviceDataImport => "ORG_DEVICE_DATA_IMPORT",
        }
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
