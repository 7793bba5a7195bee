//! Payloads of readings as devices of MK publish them: one reading, an array, or all values of a component. Pure.
//!
//! The JSON literal decides the type of a value: an integer is a long, and a number with a fraction or an exponent, also
//! `20.0`, is a double. The values of a component are accepted together or not at all.

pub mod item;
pub mod profile;
pub mod value;

#[cfg(test)]
mod tests;

/// Maximum payload of a message, bytes.
pub const MAX_MESSAGE_BYTES: usize = 256 << 10;
/// Maximum elements of an array: more than a message has room for readings, so that an array of other things is one
/// mistake and not a hundred thousand.
pub const MAX_ELEMENTS: usize = 8192;
/// Maximum length of a sensor id or key, characters.
pub const MAX_SENSOR_ID_CHARS: usize = 36;
/// Maximum length of a text value, characters.
pub const MAX_TEXT_CHARS: usize = 1000;
/// Maximum JSON size of a reading's metadata, bytes.
pub const MAX_METADATA_BYTES: usize = 10 << 10;
