//! What a MELSEC CPU or its Ethernet module means by an end code. Pure.
//!
//! Q/L MC protocol manual (SH-080008), error codes; those above CEE0 from the SLMP reference manual.

use crate::collect::fault::{Code, Fault, Meaning};

/// The refusal that an end code other than 0000 is.
pub fn refused(code: u16) -> Fault {
    let (words, meaning) = explain(code);
    Fault::Refused { code: Code::Melsec(code), words, meaning }
}

fn explain(code: u16) -> (&'static str, Meaning) {
    match code {
        0x0050 => ("the device does not know this frame", Meaning::Other),
        0x0055 => ("writing while the CPU runs is not enabled in the device (online change)", Meaning::Other),
        0x4010 => ("not possible while the CPU runs", Meaning::Other),
        0x4013 => ("possible only while the CPU is stopped", Meaning::Other),
        0x4030 => ("the CPU has no such device", Meaning::NoSuchRegister),
        0x4031 => ("device number beyond what the CPU has", Meaning::NoSuchRegister),
        0xC050 => ("the device cannot read the data: binary or ASCII code set otherwise?", Meaning::Other),
        0xC051..=0xC054 => ("number of points outside the limit", Meaning::NoSuchCount),
        0xC055 => ("size of file data outside the limit", Meaning::Other),
        0xC056 => ("beyond the highest address", Meaning::NoSuchRegister),
        0xC058 => ("the request is not as long as it says", Meaning::Other),
        0xC059 => ("the device does not offer this command", Meaning::NoSuchCommand),
        0xC05B => ("the CPU cannot read or write this device", Meaning::NoSuchRegister),
        0xC05C => ("the device cannot be accessed this way", Meaning::NoSuchRegister),
        0xC05D => ("no monitoring is registered", Meaning::Other),
        0xC05F => {
            ("the request cannot go to that CPU: network, station or module I/O wrong?", Meaning::Other)
        }
        0xC060 => ("a bit can only be 0 or 1", Meaning::Other),
        0xC061 => ("the length does not fit the content", Meaning::Other),
        0xC06F => ("ASCII frame on a binary port, or the reverse", Meaning::Other),
        0xC0B5 => ("data that the CPU cannot handle", Meaning::Other),
        0xC200 => ("wrong remote password", Meaning::Other),
        0xC201 => ("the port is locked by a remote password", Meaning::Other),
        0xCEE0 => ("the device is busy", Meaning::Other),
        0xCEE1 => ("the request is too long", Meaning::NoSuchCount),
        0xCEE2 => ("the answer would be too long", Meaning::NoSuchCount),
        0xCF20 => ("wrong setting in the device", Meaning::Other),
        0xCF70 => ("a station on the way could not pass the request on", Meaning::DeviceIsAway),
        0xCF71 => ("the station behind did not answer in time", Meaning::DeviceIsAway),
        0x4000..=0x4FFF => ("the CPU refused", Meaning::Other),
        _ => ("the device refused", Meaning::Other),
    }
}
