//! Arrays in registers, as a caller writes them.

use super::ResolvedRegister;
use crate::collect::point::DevicePoint;

impl ResolvedRegister {
    /// The register of one element of the array here, which stands for all of them, and how many there are; `None` where
    /// there is no array.
    pub fn element(&self) -> Option<(ResolvedRegister, u16)> {
        let DevicePoint::Register(point) = &self.point else { return None };
        let (element, count) = point.first_element()?;
        Some((ResolvedRegister { point: DevicePoint::Register(element), ..self.clone() }, count))
    }

    /// Says why one request does not write the array here; `None` where it does, and for every other value.
    pub fn write_limit(&self) -> Option<String> {
        let DevicePoint::Register(point) = &self.point else { return None };
        point.write_limit()
    }
}
