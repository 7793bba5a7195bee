//! End codes of a MELSEC CPU or its Ethernet module and their meaning. Pure.
//!
//! Q/L MC protocol manual (SH-080008), error codes; those above CEE0 from the SLMP reference manual.

use crate::collect::fault::{DeviceErrorCode, DeviceFault, ErrorCodeFormat, RefusalKind};

const END_CODE: ErrorCodeFormat =
    ErrorCodeFormat { name: "end code", hex_digits: 4, is_named_in_decimal: false };

/// Returns an end code as the device sent it.
pub fn end_code(number: u16) -> DeviceErrorCode {
    DeviceErrorCode { number: number.into(), format: END_CODE }
}

/// Converts an end code other than 0000 to a refusal.
pub fn refused(code: u16) -> DeviceFault {
    let (words, meaning) = explain(code);
    DeviceFault::Refused { code: end_code(code), words, meaning }
}

fn explain(code: u16) -> (&'static str, RefusalKind) {
    match code {
        0x0050 => ("the device does not know this frame", RefusalKind::Other),
        0x0055 => {
            ("writing while the CPU runs is not enabled in the device (online change)", RefusalKind::Other)
        }
        0x4010 => ("not possible while the CPU runs", RefusalKind::Other),
        0x4013 => ("possible only while the CPU is stopped", RefusalKind::Other),
        0x4030 => ("the CPU has no such device", RefusalKind::NoSuchRegister),
        0x4031 => ("device number beyond what the CPU has", RefusalKind::NoSuchRegister),
        0xC050 => {
            ("the device cannot read the data: binary or ASCII code set otherwise?", RefusalKind::Other)
        }
        0xC051..=0xC054 => ("number of points outside the limit", RefusalKind::InvalidCountOrValue),
        0xC055 => ("size of file data outside the limit", RefusalKind::Other),
        0xC056 => ("beyond the highest address", RefusalKind::NoSuchRegister),
        0xC058 => ("the request is not as long as it says", RefusalKind::Other),
        0xC059 => ("the device does not offer this command", RefusalKind::NoSuchCommand),
        0xC05B => ("the CPU cannot read or write this device", RefusalKind::NoSuchRegister),
        0xC05C => ("the device cannot be accessed this way", RefusalKind::NoSuchRegister),
        0xC05D => ("no monitoring is registered", RefusalKind::Other),
        0xC05F => {
            ("the request cannot go to that CPU: network, station or module I/O wrong?", RefusalKind::Other)
        }
        0xC060 => ("a bit can only be 0 or 1", RefusalKind::Other),
        0xC061 => ("the length does not fit the content", RefusalKind::Other),
        0xC06F => ("ASCII frame on a binary port, or the reverse", RefusalKind::Other),
        0xC0B5 => ("data that the CPU cannot handle", RefusalKind::Other),
        0xC200 => ("wrong remote password", RefusalKind::Other),
        0xC201 => ("the port is locked by a remote password", RefusalKind::Other),
        0xCEE0 => ("the device is busy", RefusalKind::Busy),
        0xCEE1 => ("the request is too long", RefusalKind::InvalidCountOrValue),
        0xCEE2 => ("the answer would be too long", RefusalKind::InvalidCountOrValue),
        0xCF20 => ("wrong setting in the device", RefusalKind::Other),
        0xCF70 => ("a station on the way could not pass the request on", RefusalKind::DeviceUnreachable),
        0xCF71 => ("the station behind did not answer in time", RefusalKind::DeviceUnreachable),
        // Nobody knows what an unknown code is about: maybe one of the devices that were read together.
        0x4000..=0x4FFF => ("the CPU refused", RefusalKind::Failed),
        _ => ("the device refused", RefusalKind::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It was never asked again, and its register had a bad reading.
    #[test]
    fn a_busy_device_is_asked_again() {
        let fault = refused(0xCEE0);
        assert!(matches!(fault, DeviceFault::Refused { meaning: RefusalKind::Busy, .. }), "{fault:?}");
    }

    /// An unknown code took along everything that was read in one request.
    #[test]
    fn an_unknown_code_may_be_about_one_device_of_several() {
        for code in [0x4E00, 0x4000, 0x1234, 0xFFFF] {
            let fault = refused(code);
            assert!(matches!(fault, DeviceFault::Refused { meaning: RefusalKind::Failed, .. }), "{fault:?}");
        }
    }
}
