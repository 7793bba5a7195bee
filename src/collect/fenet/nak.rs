//! Error codes of an XGT CPU and their meaning. Pure. XGT FEnet manual, error codes.

use crate::collect::fault::{DeviceErrorCode, DeviceFault, ErrorCodeFormat, RefusalKind};

const ERROR_CODE: ErrorCodeFormat =
    ErrorCodeFormat { name: "error code", hex_digits: 4, is_named_in_decimal: false };

/// Error code for an area that the CPU does not have.
pub const NO_SUCH_AREA: u16 = 0x0003;

/// Converts an error code to a refusal.
pub fn refused(code: u16) -> DeviceFault {
    let (words, meaning) = explain(code);
    let code = DeviceErrorCode { number: code.into(), format: ERROR_CODE };
    DeviceFault::Refused { code, words, meaning }
}

fn explain(code: u16) -> (&'static str, RefusalKind) {
    match code {
        0x0001 => ("more than 16 variables in one request", RefusalKind::InvalidCountOrValue),
        0x0002 => ("a data type that the CPU does not have there", RefusalKind::NoSuchRegister),
        NO_SUCH_AREA => ("the CPU has no such area", RefusalKind::NoSuchRegister),
        0x0004 => ("beyond the end of the area", RefusalKind::NoSuchRegister),
        0x0005 => ("more than 1400 bytes in one block", RefusalKind::InvalidCountOrValue),
        0x0006 => ("more than 1400 bytes in one request", RefusalKind::InvalidCountOrValue),
        0x0075 => ("the module does not know this header: a module of another series?", RefusalKind::Other),
        0x0076 => ("the request is not as long as it says", RefusalKind::Other),
        0x0077 => ("wrong checksum", RefusalKind::Other),
        0x0078 => ("the module does not offer this instruction", RefusalKind::NoSuchCommand),
        // Nobody knows what an unknown code is about: maybe one of the variables that were read together.
        _ => ("the device refused", RefusalKind::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An unknown code took along everything that was read in one request.
    #[test]
    fn an_unknown_code_may_be_about_one_variable_of_several() {
        for code in [0x1132, 0x0079, 0xFFFF] {
            let fault = refused(code);
            assert!(matches!(fault, DeviceFault::Refused { meaning: RefusalKind::Failed, .. }), "{fault:?}");
        }
    }
}
