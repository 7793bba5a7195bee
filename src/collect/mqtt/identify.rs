//! The request of discovery: a login without a name, under an id of its own, after which the connection is ended. A refusal
//! shows that a broker is there, too.

use uuid::Uuid;

use super::endpoint::MqttEndpoint;
use super::session::greet;
use crate::collect::client::ConnectContext;
use crate::collect::fault::DeviceFault;
use crate::domain::device::DeviceSpec;

/// Asks the broker with these settings; its answer in words.
pub async fn identify(device: &DeviceSpec, context: &ConnectContext) -> Result<String, DeviceFault> {
    let endpoint = MqttEndpoint::from_spec(device).map_err(DeviceFault::from_settings)?;
    // An id that nobody has: a broker ends the connection of the id that logs in again.
    let client_id = format!("basalt{}", &Uuid::new_v4().simple().to_string()[..16]);
    let endpoint = MqttEndpoint { client_id, is_temporary: true, ..endpoint };
    Ok(match greet(&endpoint, context).await? {
        Ok(()) => "accepts clients without a login".to_owned(),
        Err(refusal) => refusal.to_owned(),
    })
}
