//! What an XGT CPU means by an error code. Pure. XGT FEnet manual, error codes.

use crate::collect::fault::{Code, Fault, Meaning};

/// What a CPU says of an area that it does not have.
pub const NO_SUCH_AREA: u16 = 0x0003;

/// The refusal that an error code is.
pub fn refused(code: u16) -> Fault {
    let (words, meaning) = explain(code);
    Fault::Refused { code: Code::Fenet(code), words, meaning }
}

fn explain(code: u16) -> (&'static str, Meaning) {
    match code {
        0x0001 => ("more than 16 variables in one request", Meaning::NoSuchCount),
        0x0002 => ("a data type that the CPU does not have there", Meaning::NoSuchRegister),
        NO_SUCH_AREA => ("the CPU has no such area", Meaning::NoSuchRegister),
        0x0004 => ("beyond the end of the area", Meaning::NoSuchRegister),
        0x0005 => ("more than 1400 bytes in one block", Meaning::NoSuchCount),
        0x0006 => ("more than 1400 bytes in one request", Meaning::NoSuchCount),
        0x0075 => ("the module does not know this header: a module of another series?", Meaning::Other),
        0x0076 => ("the request is not as long as it says", Meaning::Other),
        0x0077 => ("wrong checksum", Meaning::Other),
        0x0078 => ("the module does not offer this instruction", Meaning::NoSuchCommand),
        _ => ("the device refused", Meaning::Other),
    }
}
