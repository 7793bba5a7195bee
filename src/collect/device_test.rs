//! Tries the settings of a device that is not saved: connects, reads a few registers or nodes, and disconnects. The device
//! has a connection of its own for that, to the networks in which devices may be. A unit of a Modbus gateway or a serial line
//! takes its turn with the others.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::address::DeviceAddress;
use super::browse::{check_node, explain};
use super::client::{ConnectContext, DeviceClient, DeviceEndpoint};
use super::codec::WordOrder;
use super::device_value::DeviceValue;
use super::fault::{DeviceFault, RefusalKind};
use super::io::to_api_error;
use super::opcua::status;
use super::point::{DevicePoint, PointData};
use super::register_values::{in_every_form, in_hexadecimal, widest_first};
use super::registry;
use super::runtime::Collectors;
use crate::domain::address_space::BrowseTree;
use crate::domain::device::DeviceSpec;
use crate::domain::device_test::{DeviceTest, RegisterTest, TIME_LIMIT_S, TestValue};
use crate::domain::{Error, Kind, OrgId, Result};

const TIME_LIMIT: Duration = Duration::from_secs(TIME_LIMIT_S);
/// Time that a device gets to end a session.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

impl Collectors {
    /// Connects to the device and reads the registers, all within `TIME_LIMIT`. A device that is not reached and a
    /// register that cannot be read are results, not errors.
    ///
    /// # Errors
    /// `Invalid` for settings from which no endpoint can be made.
    pub async fn test_device(
        &self,
        org: OrgId,
        device: &DeviceSpec,
        registers: &[String],
    ) -> Result<DeviceTest> {
        let mut connection = TestConnection::new(device, self.connect_context(Some(org)))?;
        let started = Instant::now();
        let mut test = DeviceTest::default();
        match connection.open().await {
            Ok(()) => test.connect_ms = Some(milliseconds(started)),
            Err(fault) => {
                test.error = Some(fault.to_string());
                return Ok(test);
            }
        }
        for register in registers {
            test.registers.push(connection.test_register(device, register).await);
        }
        test.round_trip_ms = connection.round_trip_ms;
        connection.close().await;
        Ok(test)
    }

    /// Browses `depth` levels below a node of a device that is not saved.
    ///
    /// # Errors
    /// The errors of `browse`, but `Timeout` after `TIME_LIMIT` in all.
    pub async fn browse_unsaved(&self, device: &DeviceSpec, node: &str, depth: usize) -> Result<BrowseTree> {
        check_node(device, node)?;
        let mut connection = TestConnection::new(device, self.connect_context(None))?;
        connection.open().await.map_err(|fault| to_api_error(fault, node))?;
        let deadline = connection.deadline;
        let browsed = match &mut connection.client {
            Some(client) => timeout_at(deadline, client.browse(node, depth)).await,
            None => return Err(Error::internal("a connection that was opened is not there")),
        };
        connection.close().await;
        let late =
            || Error::new(Kind::Timeout, format!("The server was not browsed within {TIME_LIMIT_S} s."));
        browsed.map_err(|_| late())?.map_err(|fault| explain(fault, node))
    }
}

/// A connection that ends with the test.
struct TestConnection {
    endpoint: Arc<dyn DeviceEndpoint>,
    context: ConnectContext,
    deadline: Instant,
    client: Option<Box<dyn DeviceClient>>,
    round_trip_ms: Option<f64>,
}

impl TestConnection {
    fn new(device: &DeviceSpec, context: ConnectContext) -> Result<TestConnection> {
        let mut device = device.clone();
        device.timeout_s = device.timeout_s.min(TIME_LIMIT.as_secs_f64());
        let endpoint = registry::endpoint(&device)?;
        let deadline = Instant::now() + TIME_LIMIT;
        Ok(TestConnection { endpoint, context, deadline, client: None, round_trip_ms: None })
    }

    /// Connects, unless the connection is open.
    async fn open(&mut self) -> Result<(), DeviceFault> {
        if self.client.as_ref().is_some_and(|client| client.is_open()) {
            return Ok(());
        }
        self.client = None;
        let connecting = self.endpoint.connect(&self.context);
        self.client =
            Some(timeout_at(self.deadline, connecting).await.unwrap_or_else(|_| Err(time_limit_fault()))?);
        Ok(())
    }

    async fn test_register(&mut self, device: &DeviceSpec, register: &str) -> RegisterTest {
        let mut test = RegisterTest { register: register.to_owned(), ..RegisterTest::default() };
        match registry::parse_address(device, register) {
            Ok(address) => match self.read(&address).await {
                Ok(answered) => describe(&mut test, &address, &answered),
                Err(fault) => test.error = Some(fault.to_string()),
            },
            Err(why) => test.error = Some(why),
        }
        test
    }

    /// Reads as many words as the device lets: of four it may refuse those past its last register.
    async fn read(&mut self, address: &DeviceAddress) -> Result<PointData, DeviceFault> {
        let points: Vec<DevicePoint> = match address {
            DeviceAddress::Register(_) => {
                let point = |kind| address.point(kind, WordOrder::Abcd).ok();
                widest_first(address).into_iter().filter_map(point).collect()
            }
            DeviceAddress::Node(node) => vec![DevicePoint::Node(node.clone(), None)],
            DeviceAddress::Tag(tag) => vec![DevicePoint::Tag(tag.clone(), None)],
            DeviceAddress::Topic(_) | DeviceAddress::Metric(_) => Vec::new(),
        };
        let words = "it cannot be read directly".to_owned();
        let mut last = DeviceFault::Unsupported { field: "register", words };
        for point in points {
            match self.read_once(&point).await {
                Err(fault) if may_be_narrower(&fault) => last = fault,
                read => return read,
            }
        }
        Err(last)
    }

    async fn read_once(&mut self, point: &DevicePoint) -> Result<PointData, DeviceFault> {
        self.open().await?;
        let Some(client) = &mut self.client else { return Err(time_limit_fault()) };
        let started = Instant::now();
        let read = timeout_at(self.deadline, client.read(point)).await;
        if matches!(read, Ok(Ok(_) | Err(DeviceFault::Refused { .. }))) {
            self.round_trip_ms.get_or_insert(milliseconds(started));
        }
        match read {
            Ok(read) => read,
            Err(_) => {
                // Whoever abandons a request may not send another.
                self.client = None;
                Err(time_limit_fault())
            }
        }
    }

    async fn close(self) {
        if let Some(client) = self.client {
            // A device that does not react is left alone: dropping the client closes the socket.
            let _ = timeout(CLOSE_LIMIT, client.close()).await;
        }
    }
}

/// Whether fewer registers might be answered: the device refuses those that it does not have.
fn may_be_narrower(fault: &DeviceFault) -> bool {
    matches!(fault, DeviceFault::Refused { meaning, .. } if *meaning != RefusalKind::DeviceUnreachable)
}

fn time_limit_fault() -> DeviceFault {
    let words = format!("the test was over after {TIME_LIMIT_S} s");
    DeviceFault::Unsupported { field: "test", words }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

fn describe(test: &mut RegisterTest, address: &DeviceAddress, answered: &PointData) {
    match answered {
        PointData::Registers(_, data) => {
            test.raw = in_hexadecimal(data);
            test.values = in_every_form(address, answered);
        }
        PointData::Node(_, value) => {
            test.data_type = status::data_type(value);
            describe_value(test, status::sample(value).map(|sample| sample.value));
        }
        PointData::Tag(tag, data) => {
            test.data_type = Some(data.data_type.name().to_owned());
            describe_value(test, data.value(tag.bit()));
        }
    }
}

/// The value of a device that knows its own types.
fn describe_value(test: &mut RegisterTest, value: Result<DeviceValue, String>) {
    match value {
        Ok(value) => {
            test.values = vec![TestValue { kind: None, wordorder: None, value: value.to_string() }];
        }
        Err(why) => test.error = Some(why),
    }
}
