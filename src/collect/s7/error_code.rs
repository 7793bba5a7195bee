//! Codes by which an S7 CPU refuses: return codes of items, and the error class and code of a whole answer. Pure.
//!
//! Return codes as in the manual System Software for S7-300/400, System and Standard Functions, SFB 14 and 15. The classes
//! and codes of answers are those that the libraries libnodave and snap7 have in common; 8000 is of libnodave alone.

use crate::collect::fault::{DeviceErrorCode, DeviceFault, ErrorCodeFormat, RefusalKind};

const RETURN_CODE: ErrorCodeFormat =
    ErrorCodeFormat { name: "return code", hex_digits: 2, is_named_in_decimal: false };
const ERROR_CODE: ErrorCodeFormat =
    ErrorCodeFormat { name: "error code", hex_digits: 4, is_named_in_decimal: false };

/// Return code for an object that does not exist.
pub const NO_SUCH_OBJECT: u8 = 0x0A;

/// Converts a return code of an item, other than 0xFF, to a refusal.
pub fn item_refused(code: u8) -> DeviceFault {
    let (words, meaning) = match code {
        0x01 => ("hardware fault", RefusalKind::Failed),
        0x03 => ("the CPU does not permit access: is PUT/GET permitted?", RefusalKind::Other),
        0x05 => ("beyond the end of the area or data block", RefusalKind::NoSuchRegister),
        0x06 => ("the CPU cannot access the area this way", RefusalKind::NoSuchRegister),
        0x07 => ("the length does not fit the data", RefusalKind::InvalidCountOrValue),
        NO_SUCH_OBJECT => (
            "the CPU has no such area or data block, or only with optimized access",
            RefusalKind::NoSuchRegister,
        ),
        // Nobody knows what an unknown code is about: maybe one of the items that were read together.
        _ => ("the CPU refused", RefusalKind::Failed),
    };
    DeviceFault::Refused {
        code: DeviceErrorCode { number: code.into(), format: RETURN_CODE },
        words,
        meaning,
    }
}

/// Converts error class and error code of an answer, other than 0, to a refusal.
pub fn refused(code: u16) -> DeviceFault {
    let (words, meaning) = match code {
        0x8000 => ("the CPU is busy with this function", RefusalKind::Busy),
        0x8001 => ("not possible in the state of the CPU", RefusalKind::Other),
        0x8101 => ("hardware fault", RefusalKind::Failed),
        0x8103 => ("the CPU does not permit access: is PUT/GET permitted?", RefusalKind::Other),
        0x8104 => ("the CPU does not offer this function: is PUT/GET permitted?", RefusalKind::Other),
        0x8105 => ("invalid address", RefusalKind::NoSuchRegister),
        0x8106 => ("the CPU cannot access the area this way", RefusalKind::NoSuchRegister),
        0x810A => ("the CPU has no such area or data block", RefusalKind::NoSuchRegister),
        0x8404 => ("the CPU could not execute the request", RefusalKind::Failed),
        0x8500 => ("the request or its answer is longer than agreed", RefusalKind::InvalidCountOrValue),
        0xD0A1 => ("the protection level of the CPU does not allow this", RefusalKind::Other),
        0xD241 => ("the CPU wants a password", RefusalKind::Other),
        _ => ("the CPU refused", RefusalKind::Failed),
    };
    DeviceFault::Refused { code: DeviceErrorCode { number: code.into(), format: ERROR_CODE }, words, meaning }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_cpu_is_asked_again() {
        let fault = refused(0x8000);
        assert!(matches!(fault, DeviceFault::Refused { meaning: RefusalKind::Busy, .. }), "{fault:?}");
    }

    /// An unknown code took along everything that was read in one request.
    #[test]
    fn an_unknown_code_may_be_about_one_item_of_several() {
        for fault in [item_refused(0x02), item_refused(0xFE), refused(0x8199), refused(0xFFFF)] {
            assert!(matches!(fault, DeviceFault::Refused { meaning: RefusalKind::Failed, .. }), "{fault:?}");
        }
    }
}
