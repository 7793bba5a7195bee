//! Every address space and the number that stands for it.

use super::*;

#[test]
fn a_space_is_found_by_its_number() {
    let modules = |area: Area| {
        let places = (0..=15).flat_map(|base| (0..=15).map(move |slot| (base, slot)));
        places.flat_map(move |(base, slot)| {
            VariableSize::ALL.map(|size| FenetSpace::Module { area, size, base, slot })
        })
    };
    let spaces = Area::all()
        .flat_map(|area| [FenetSpace::Bytes(area), FenetSpace::Bits(area)].into_iter().chain(modules(area)));
    for space in spaces {
        let found = FenetSpace::from_register_space(space.into());
        assert_eq!(found, Some(space));
    }
}

#[test]
fn a_space_of_another_protocol_or_number_is_none() {
    let plain = RegisterSpace::from(FenetSpace::Bytes(Area(0)));
    for (protocol, number) in [
        (Protocol::Melsec, plain.id.number),
        (Protocol::Fenet, u32::from_be_bytes([3, 0, 0, 0])),
        (Protocol::Fenet, u32::from_be_bytes([0, AREAS.len() as u8, 0, 0])),
        (Protocol::Fenet, u32::from_be_bytes([2, 0, VariableSize::ALL.len() as u8, 0])),
    ] {
        let foreign = RegisterSpace { id: SpaceId { protocol, number }, ..plain };
        assert_eq!(FenetSpace::from_register_space(foreign), None, "{protocol} {number:#010x}");
    }
}
