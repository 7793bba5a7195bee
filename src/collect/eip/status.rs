//! General and extended status of a reply, and what they mean for later requests. Pure.
//!
//! CIP volume 1, appendix B-1 and table 3-5.29; 1756-PM020, "CIP service error codes".

use super::cip::CipReply;
use crate::collect::fault::{DeviceErrorCode, DeviceFault, ErrorCodeFormat, RefusalKind};

const GENERAL: ErrorCodeFormat =
    ErrorCodeFormat { name: "general status", hex_digits: 2, is_named_in_decimal: false };
/// The general statuses of which only the extended status says what happened.
const CONNECTION_FAILURE: u8 = 0x01;
const EXTENDED_ERROR: u8 = 0xFF;
const OF_CONNECTION: ErrorCodeFormat =
    ErrorCodeFormat { name: "general status 01, extended status", hex_digits: 4, is_named_in_decimal: false };
const OF_ERROR: ErrorCodeFormat =
    ErrorCodeFormat { name: "general status FF, extended status", hex_digits: 4, is_named_in_decimal: false };

const OF_ENCAPSULATION: ErrorCodeFormat =
    ErrorCodeFormat { name: "encapsulation status", hex_digits: 4, is_named_in_decimal: false };

/// The reply has only a part of the value, because the rest has no place in it.
pub const PARTIAL: u8 = 0x06;
/// The reply would be longer than a message can be.
pub const REPLY_TOO_LARGE: u8 = 0x11;
/// Some of several requests failed; each reply has its own status.
pub const EMBEDDED_ERROR: u8 = 0x1E;

/// Converts a reply whose status is not success to a refusal.
pub fn refused(reply: &CipReply) -> DeviceFault {
    let (words, meaning) = explain(reply);
    let (number, format) = match (reply.status, reply.extended) {
        (CONNECTION_FAILURE, Some(extended)) => (extended.into(), OF_CONNECTION),
        (EXTENDED_ERROR, Some(extended)) => (extended.into(), OF_ERROR),
        (status, _) => (status.into(), GENERAL),
    };
    DeviceFault::Refused { code: DeviceErrorCode { number, format }, words, meaning }
}

/// The refusal of a message at the level of the encapsulation. Some servers say so of an unknown tag.
pub fn refused_by_encapsulation(status: u32) -> DeviceFault {
    DeviceFault::Refused {
        code: DeviceErrorCode { number: status, format: OF_ENCAPSULATION },
        words: "the device refused the message: is there such a tag?",
        meaning: RefusalKind::Failed,
    }
}

fn explain(reply: &CipReply) -> (&'static str, RefusalKind) {
    match (reply.status, reply.extended) {
        (CONNECTION_FAILURE, extended) => explain_connection(extended),
        (EXTENDED_ERROR, extended) => explain_extended(extended),
        (0x02, _) => ("the device has no resources left for the request", RefusalKind::Other),
        // The connection manager says so of the route.
        (0x04 | 0x05, _) if reply.is_from_route => {
            ("the device has no such slot: slot or routing wrong?", RefusalKind::DeviceUnreachable)
        }
        (0x04 | 0x05, _) => ("the controller has no such tag", RefusalKind::NoSuchRegister),
        (PARTIAL, _) => ("the value is too long", RefusalKind::InvalidCountOrValue),
        (0x08, _) => ("the device does not offer this service", RefusalKind::NoSuchCommand),
        (0x09, _) => ("the value cannot be held", RefusalKind::InvalidCountOrValue),
        (0x0C, _) => ("not possible in the state of the object", RefusalKind::Other),
        (0x0E, _) => ("the tag cannot be written", RefusalKind::Other),
        (0x0F, _) => ("the controller allows no access to the tag", RefusalKind::Other),
        (0x10, _) => ("the mode or the key switch of the controller does not allow it", RefusalKind::Other),
        (REPLY_TOO_LARGE, _) => ("the answer would be too long", RefusalKind::InvalidCountOrValue),
        (0x13, _) => ("the device misses data in the request", RefusalKind::Other),
        (0x15, _) => ("the request has more data than the device expects", RefusalKind::Other),
        (0x20, _) => ("the device found a parameter wrong", RefusalKind::InvalidCountOrValue),
        (0x26, _) => ("the device found the length of the path wrong", RefusalKind::Other),
        _ => ("the device refused", RefusalKind::Other),
    }
}

fn explain_connection(extended: Option<u16>) -> (&'static str, RefusalKind) {
    match extended {
        Some(0x0204) => ("the module in the slot did not answer in time", RefusalKind::DeviceUnreachable),
        Some(0x0205) => ("the device found the route wrong", RefusalKind::DeviceUnreachable),
        Some(0x0311) => ("the device has no backplane: try direct routing", RefusalKind::DeviceUnreachable),
        Some(0x0312 | 0x0318) => ("the device has no such slot", RefusalKind::DeviceUnreachable),
        _ => ("the request could not be passed on to the slot", RefusalKind::DeviceUnreachable),
    }
}

fn explain_extended(extended: Option<u16>) -> (&'static str, RefusalKind) {
    match extended {
        Some(0x2104 | 0x2105) => ("beyond the last element", RefusalKind::NoSuchRegister),
        Some(0x2107) => ("the tag has another type", RefusalKind::InvalidCountOrValue),
        _ => ("the controller refused", RefusalKind::Other),
    }
}
