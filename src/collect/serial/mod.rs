//! Serial lines: ports of this machine with several devices on one line, which take turns.
//!
//! The folder owns ports, their settings and the silence between frames. It knows no frames: those belong to the protocols.

mod allowed_ports;
mod line;
mod port;
mod settings;

pub use allowed_ports::AllowedSerialPorts;
pub use line::SerialLine;
pub use settings::{BAUD_RATES, PARITIES, STOP_BITS, SerialAddress};

#[cfg(test)]
pub use settings::{Parity, SerialSettings};

#[cfg(test)]
pub(super) mod pseudo_terminal;
