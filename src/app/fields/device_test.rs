//! The fields of a test: those of a device that is not saved, and what to read.

use super::drf_scalar;
use super::reader::FieldReader;
use crate::app::device::problems;
use crate::app::direct_access::DirectAccess;
use crate::domain::address_space::{BrowseTree, MAX_BROWSE_DEPTH};
use crate::domain::device::DeviceSpec;
use crate::domain::device_test::{DeviceTest, MAX_REGISTERS};
use crate::domain::{Principal, Result};

impl DirectAccess {
    /// Tests the device of the fields; `registers` lists what is read.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise the errors of [`DirectAccess::test_device`].
    pub async fn test_device_from_fields(
        &self,
        principal: &Principal,
        mut fields: FieldReader,
    ) -> Result<DeviceTest> {
        self.devices.check_may_create_device(principal)?;
        let mut registers = Vec::new();
        fields.texts("registers", &mut registers);
        if registers.len() > MAX_REGISTERS {
            fields.add_error(
                "registers",
                format!("Ensure this field has no more than {MAX_REGISTERS} elements."),
            );
        }
        let device = read_device(fields)?;
        self.test_device(principal, &device, &registers).await
    }

    /// Browses the device of the fields, from `node` or else its root on, `depth` levels.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise the errors of [`DirectAccess::browse_unsaved`].
    pub async fn browse_unsaved_from_fields(
        &self,
        principal: &Principal,
        mut fields: FieldReader,
    ) -> Result<BrowseTree> {
        self.devices.check_may_create_device(principal)?;
        let node: String = fields.read_or("node", 1..=1000, String::new());
        let depth: i64 = fields.read_or("depth", 1..=5, 1);
        let depth = usize::try_from(depth).unwrap_or(0);
        if !(1..=MAX_BROWSE_DEPTH).contains(&depth) {
            fields.add_error("depth", drf_scalar::not_a_choice(&depth.to_string()));
        }
        let device = read_device(fields)?;
        let node = Some(node.as_str()).filter(|node| !node.is_empty());
        self.browse_unsaved(principal, &device, node, depth).await
    }
}

fn read_device(mut fields: FieldReader) -> Result<DeviceSpec> {
    let device: DeviceSpec = fields.read_new();
    fields.finish(problems(&device))?;
    Ok(device)
}
