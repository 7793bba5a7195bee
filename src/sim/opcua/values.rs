//! One node of each type, for writing and reading back: each holds the last value written, with its status and source
//! time.

use opcua::types::{DateTime, Guid, UAString, Variant};

/// Names and initial values, chosen not to fit other types.
pub fn initial() -> [(&'static str, Variant); 14] {
    [
        ("values.Boolean", Variant::Boolean(true)),
        ("values.SByte", Variant::SByte(i8::MIN)),
        ("values.Byte", Variant::Byte(u8::MAX)),
        ("values.Int16", Variant::Int16(-2)),
        ("values.UInt16", Variant::UInt16(4660)),
        ("values.Int32", Variant::Int32(-123_456_789)),
        ("values.UInt32", Variant::UInt32(305_419_896)),
        ("values.Int64", Variant::Int64(-1_234_567_890_123_456_789)),
        ("values.UInt64", Variant::UInt64(u64::MAX)),
        ("values.Float", Variant::Float(123.456)),
        ("values.Double", Variant::Double(-1234.5678)),
        ("values.String", Variant::String(UAString::from("Läuft; a=b"))),
        ("values.DateTime", Variant::DateTime(Box::new(DateTime::ymd(2026, 4, 28)))),
        ("values.Guid", Variant::Guid(Box::new(Guid::null()))),
    ]
}
