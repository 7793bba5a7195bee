//! The doors of SQL tools, on the real server: PostgreSQL's protocol and Arrow Flight SQL, with clients that are other
//! people's, and with bytes that are nobody's. Beside them, the bytes of MQTT's tests.

mod broken;
mod catalog;
mod cursors;
mod depth;
mod drivers;
pub mod fixture;
pub mod flight;
pub mod mqtt;
mod other_drivers;
mod peers;
mod postgres;
mod refused;
mod settings;
mod sighup;
mod tls;
mod tls_reload;
mod values;
pub mod wire;
