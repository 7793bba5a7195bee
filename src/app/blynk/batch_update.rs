//! Updates of the datastreams of many devices of one product, as a table.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use serde_json::{Number, Value};

use super::writes::ValueWrites;
use super::{Blynk, require_with_view};
use crate::app::token::ClientAccess;
use crate::domain::client::Permission;
use crate::domain::device::Device;
use crate::domain::stream::{Stream, StreamFilter};
use crate::domain::{DeviceId, Error, ProductId, Result};
use crate::store::catalog::DeviceAccess;

/// Rows after which other requests get their turn.
const ROWS_PER_TURN: usize = 256;

/// A table of values.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchUpdate {
    /// Labels of the datastreams: the columns after that of the device.
    pub labels: Vec<String>,
    /// Rows, each an array of the device's id and a value or null for each label.
    pub rows: Vec<Value>,
}

/// Why a row was skipped. The order is that of the checks.
#[derive(Debug, Clone, PartialEq)]
pub enum SkipReason {
    /// It is no array of so many elements as there are columns.
    InvalidSize,
    NullDeviceId,
    NonNumericDeviceId,
    /// There is no such device in the organization.
    DeviceNotFound(Number),
    /// The device is not one of those that the token sees.
    NoAccess(DeviceId),
    /// The device is of another product than the first one.
    WrongProduct(DeviceId),
}

/// A row that was skipped.
#[derive(Debug, Clone, PartialEq)]
pub struct SkippedRow {
    /// Number of the row, from 0.
    pub row: usize,
    pub reason: SkipReason,
}

/// A device of the table.
struct TargetDevice {
    /// Product that its product is derived from in the end.
    product: ProductId,
    /// Its datastreams by column; `None` where it has none of that label.
    streams: Vec<Option<Arc<Stream>>>,
}

/// The devices of a table, each looked up once.
struct TargetDevices<'a> {
    blynk: &'a Blynk,
    access: &'a ClientAccess,
    columns: HashMap<&'a str, usize>,
    known: HashMap<DeviceId, Result<TargetDevice, SkipReason>>,
    /// Product of the first valid device.
    product: Option<ProductId>,
}

impl Blynk {
    /// Sets the datastreams of a table now, and returns the rows that were skipped, in order. The first valid device
    /// determines the product. Null, and a value that the datastream does not take, leaves a cell out; so does a label
    /// that only another device has.
    ///
    /// # Errors
    /// `Forbidden` naming the permission; `Invalid` when no row has a valid device, or no device of the product has a
    /// label; `Busy` when too many commands of a device wait; as `Store::write`. Nothing is stored then.
    pub async fn batch_update(&self, access: &ClientAccess, table: BatchUpdate) -> Result<Vec<SkippedRow>> {
        require_with_view(access, Permission::OrgDevicesControl)?;
        let columns = table.labels.iter().enumerate().map(|(at, label)| (label.as_str(), at)).collect();
        let mut devices =
            TargetDevices { blynk: self, access, columns, known: HashMap::new(), product: None };
        let (mut writes, mut skipped) = (ValueWrites::new(self, access), Vec::new());
        for (row, cells) in table.rows.iter().enumerate() {
            if row > 0 && row.is_multiple_of(ROWS_PER_TURN) {
                tokio::task::yield_now().await;
            }
            match devices.target(cells)? {
                Ok((device, values)) => {
                    for (stream, value) in device.streams.iter().zip(values) {
                        if let (Some(stream), false) = (stream, value.is_null()) {
                            writes.add(stream, value);
                        }
                    }
                }
                Err(reason) => skipped.push(SkippedRow { row, reason }),
            }
        }
        devices.check_labels()?;
        writes.store().await?;
        Ok(skipped)
    }

    /// Returns the streams of a device by column: of several with one label that with the lowest channel.
    fn streams_by_column(
        &self,
        access: &ClientAccess,
        device: &Device,
        columns: &HashMap<&str, usize>,
    ) -> Result<Vec<Option<Arc<Stream>>>> {
        let filter = StreamFilter { device: Some(device.id), ..StreamFilter::default() };
        let mut found: Vec<Option<Arc<Stream>>> = vec![None; columns.len()];
        for stream in self.streams.streams(&access.principal, &filter)? {
            let Some(column) = columns.get(stream.label().as_str()) else { continue };
            let slot = &mut found[*column];
            if slot.as_ref().is_none_or(|other| stream.channel < other.channel) {
                *slot = Some(stream);
            }
        }
        Ok(found)
    }
}

impl TargetDevices<'_> {
    /// Returns the device of a row and its values, or why the row is skipped.
    fn target<'r>(&mut self, row: &'r Value) -> Result<Result<(&TargetDevice, &'r [Value]), SkipReason>> {
        let (first, values) = match row.as_array().map(Vec::as_slice) {
            Some([first, values @ ..]) if values.len() == self.columns.len() => (first, values),
            _ => return Ok(Err(SkipReason::InvalidSize)),
        };
        let number = match first {
            Value::Null => return Ok(Err(SkipReason::NullDeviceId)),
            Value::Number(number) => number,
            _ => return Ok(Err(SkipReason::NonNumericDeviceId)),
        };
        let Some(id) = device_id(number) else {
            return Ok(Err(SkipReason::DeviceNotFound(number.clone())));
        };
        let known = match self.known.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let found = look_up(self.blynk, self.access, &self.columns, id)?;
                free.insert(found)
            }
        };
        let device: &TargetDevice = match known {
            Ok(device) => device,
            Err(reason) => return Ok(Err(reason.clone())),
        };
        match self.product {
            None => self.product = Some(device.product),
            Some(product) if product != device.product => return Ok(Err(SkipReason::WrongProduct(id))),
            Some(_) => {}
        }
        Ok(Ok((device, values)))
    }

    /// Checks that each label, in the order of the columns, is that of a datastream of the product: the devices of a
    /// product need not have all the same ones.
    ///
    /// # Errors
    /// `Invalid` naming the first label that no device of the table has, or when no row has a valid device.
    fn check_labels(&self) -> Result<()> {
        let product = self.product.ok_or_else(|| Error::invalid("No valid device found."))?;
        let known = self.known.values().filter_map(|known| known.as_ref().ok());
        let devices: Vec<&TargetDevice> = known.filter(|device| device.product == product).collect();
        let is_lacking = |column: usize| devices.iter().all(|device| device.streams[column].is_none());
        let lacking = self.columns.iter().filter(|(_, column)| is_lacking(**column));
        match lacking.min_by_key(|(_, column)| **column) {
            Some((label, _)) => Err(Error::invalid(format!("Datastream with label {label} is not found."))),
            None => Ok(()),
        }
    }
}

fn look_up(
    blynk: &Blynk,
    access: &ClientAccess,
    columns: &HashMap<&str, usize>,
    id: DeviceId,
) -> Result<Result<TargetDevice, SkipReason>> {
    let catalog = blynk.store.catalog();
    let device = match catalog.devices.device_access(&access.principal, id) {
        DeviceAccess::Visible(device) => device,
        DeviceAccess::Restricted => return Ok(Err(SkipReason::NoAccess(id))),
        DeviceAccess::Absent => return Ok(Err(SkipReason::DeviceNotFound(id.0.into()))),
    };
    let streams = blynk.streams_by_column(access, &device, columns)?;
    Ok(Ok(TargetDevice { product: catalog.products.root_product_of(&device)?, streams }))
}

/// Reads a device id, which may be written with a fraction of zero.
fn device_id(number: &Number) -> Option<DeviceId> {
    let whole = number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() <= f64::from(i32::MAX))?;
        Some(float as i64)
    })?;
    i32::try_from(whole).ok().map(DeviceId)
}
