//! Ids of messages: UUIDs of version 8 that contain the device and the time, so that a look-up needs no index.
//!
//! The 122 free bits are, from the highest: one bit for the kind, the key, and random or check bits. Of a derived
//! message the key is exact: 54 bits of microseconds, 31 bits of device, 4 bits of zero, and 32 bits that follow from
//! these, so that hardly any other UUID is taken for one. Of a stored message it is 34 bits of time in units of 2^20 µs
//! and 31 bits of device, then 40 random bits and 16 bits that count the messages of its request. The first 12 bytes,
//! which the on-premise API shows, tell messages of one time apart as well.

use uuid::{Builder, Uuid};

use crate::domain::{DeviceId, Micros};

const TIME_BITS: u32 = 54;
const DEVICE_BITS: u32 = 31;
/// Stored messages keep the time in units of 2^20 µs, about a second.
const COARSE_BITS: u32 = 20;
const CHECK_BITS: u32 = 32;
const ZERO_BITS: u32 = 4;
const RANDOM_HIGH_BITS: u32 = 24;
const RANDOM_LOW_BITS: u32 = 16;
const COUNTER_BITS: u32 = 16;
const KIND_BIT: u32 = 121;

/// The place that the id of a message names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessagePlace {
    /// A derived message: exactly this device and time.
    Derived {
        /// Device of the readings.
        device: DeviceId,
        /// Time of the readings.
        ts: Micros,
    },
    /// A stored message of this device.
    Stored {
        /// Device that sent it.
        device: DeviceId,
        /// First time that the message can have.
        from: Micros,
        /// Last time that the message can have.
        to: Micros,
    },
}

/// Id of the message derived from a device's readings at a time.
pub fn derived(device: DeviceId, ts: Micros) -> Uuid {
    let key = pair(u128::from(ts.0.unsigned_abs()), TIME_BITS, device) << ZERO_BITS;
    pack(key << CHECK_BITS | u128::from(check(key)))
}

/// Id of a message to be stored. `counter` is its number in its request; `random` may be any bits.
pub fn stored(device: DeviceId, ts: Micros, counter: u16, random: u64) -> Uuid {
    let coarse = u128::from(ts.0.unsigned_abs() >> COARSE_BITS);
    let key = pair(coarse, TIME_BITS - COARSE_BITS, device);
    let random = u128::from(random) & bits(RANDOM_HIGH_BITS + RANDOM_LOW_BITS);
    let rest = key << (RANDOM_HIGH_BITS + RANDOM_LOW_BITS) | random;
    pack(1 << KIND_BIT | rest << COUNTER_BITS | u128::from(counter))
}

/// Number of a stored message in its request.
pub fn counter(id: Uuid) -> u16 {
    (id.as_u128() & bits(COUNTER_BITS)) as u16
}

/// Decodes an id; `None` when it cannot be one of a message.
pub fn place(id: Uuid) -> Option<MessagePlace> {
    if id.get_version_num() != 8 || id.get_variant() != uuid::Variant::RFC4122 {
        return None;
    }
    let all = unpack(id);
    if all >> KIND_BIT == 1 {
        let key = all >> (RANDOM_HIGH_BITS + RANDOM_LOW_BITS + COUNTER_BITS)
            & bits(TIME_BITS - COARSE_BITS + DEVICE_BITS);
        let from = ((key >> DEVICE_BITS) as i64) << COARSE_BITS;
        let to = Micros(from + (1 << COARSE_BITS) - 1);
        return Some(MessagePlace::Stored { device: device_of(key), from: Micros(from), to });
    }
    let key = all >> CHECK_BITS;
    let is_ours = key & bits(ZERO_BITS) == 0 && u128::from(check(key)) == all & bits(CHECK_BITS);
    let key = key >> ZERO_BITS;
    let ts = Micros((key >> DEVICE_BITS) as i64);
    (is_ours && ts.is_storable()).then(|| MessagePlace::Derived { device: device_of(key), ts })
}

fn pair(time: u128, time_bits: u32, device: DeviceId) -> u128 {
    (time & bits(time_bits)) << DEVICE_BITS | u128::from(device.0.unsigned_abs()) & bits(DEVICE_BITS)
}

fn device_of(key: u128) -> DeviceId {
    DeviceId((key & bits(DEVICE_BITS)) as i32)
}

const fn bits(count: u32) -> u128 {
    (1 << count) - 1
}

/// Mixes a key into 32 bits (a step of SplitMix64).
fn check(key: u128) -> u32 {
    let folded = (key as u64) ^ ((key >> 64) as u64).rotate_left(32);
    let mixed = (folded ^ 0x6261_7361_6c74_6d73).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) as u32
}

/// Puts 122 bits around the bits of version and variant.
fn pack(all: u128) -> Uuid {
    let high = all >> 74 & bits(48);
    let middle = all >> 62 & bits(12);
    let low = all & bits(62);
    let bytes = (high << 80 | middle << 64 | low).to_be_bytes();
    Builder::from_custom_bytes(bytes).into_uuid()
}

fn unpack(id: Uuid) -> u128 {
    let raw = id.as_u128();
    (raw >> 80) << 74 | (raw >> 64 & bits(12)) << 62 | raw & bits(62)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{END_TIME, MIN_TIME};

    #[test]
    fn an_id_names_its_device_and_time() {
        let last = Micros(END_TIME.0 - 1);
        for (device, ts) in [(1, MIN_TIME), (i32::MAX, last), (77, Micros(1_777_377_600_000_001))] {
            let (device, id) = (DeviceId(device), derived(DeviceId(device), ts));
            assert_eq!(id.get_version_num(), 8);
            assert_eq!(place(id), Some(MessagePlace::Derived { device, ts }), "{id}");
            for counter in [0, 9, u16::MAX] {
                let id = stored(device, ts, counter, 0xdead_beef_dead_beef);
                let Some(MessagePlace::Stored { device: found, from, to }) = place(id) else {
                    panic!("{id}")
                };
                assert!(found == device && from <= ts && ts <= to, "{id}: {from} {to}");
                assert_eq!((super::counter(id), to.0 - from.0), (counter, (1 << COARSE_BITS) - 1));
            }
        }
    }

    #[test]
    fn other_ids_name_nothing() {
        let id = derived(DeviceId(7), Micros(1_777_377_600_000_000));
        let changed = |bit: u32| Uuid::from_u128(id.as_u128() ^ 1 << bit);
        for other in [Uuid::nil(), Uuid::max(), Uuid::from_u128(0x0123_4567_89ab_4cde_8f01_2345_6789_abcd)] {
            assert_eq!(place(other), None, "{other}");
        }
        for bit in 0..127 {
            assert_eq!(place(changed(bit)), None, "bit {bit}");
        }
    }

    #[test]
    fn the_first_twelve_bytes_tell_messages_apart() {
        let ts = Micros(1_777_377_600_000_000);
        let first = |id: Uuid| id.as_bytes()[..12].to_vec();
        let ids = [
            derived(DeviceId(7), ts),
            derived(DeviceId(7), Micros(ts.0 + 1)),
            derived(DeviceId(8), ts),
            stored(DeviceId(7), ts, 0, 1 << 20),
            stored(DeviceId(7), ts, 0, 1 << 30),
        ];
        for (i, one) in ids.iter().enumerate() {
            for other in &ids[..i] {
                assert_ne!(first(*one), first(*other), "{one} {other}");
            }
        }
    }
}
