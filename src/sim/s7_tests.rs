//! The simulator answers any job or ends the connection.

use proptest::prelude::*;

use super::*;

fn cpu() -> Arc<Mutex<CpuMemory>> {
    memory(Arc::new(Mutex::new(Plant::default())))
}

/// A job with these parameters and data, reference 7.
fn job(parameters: &[u8], data: &[u8]) -> Vec<u8> {
    let mut pdu = vec![0x32, 1, 0, 0, 0, 7];
    pdu.extend((parameters.len() as u16).to_be_bytes());
    pdu.extend((data.len() as u16).to_be_bytes());
    [&pdu, parameters, data].concat()
}

/// An item: transport size, count, block, area, address.
fn item(size: u8, count: u16, block: u16, area: u8, address: u32) -> Vec<u8> {
    let mut item = vec![0x12, 0x0A, 0x10, size];
    item.extend(count.to_be_bytes());
    item.extend(block.to_be_bytes());
    item.push(area);
    item.extend(&address.to_be_bytes()[1..]);
    item
}

/// Data of the answer to a Read Var of one item.
fn read_one(memory: &mut CpuMemory, item: &[u8]) -> Vec<u8> {
    let answered = answer(memory, &job(&[&[4, 1], item].concat(), &[])).unwrap();
    answered[14..].to_vec()
}

#[test]
fn items_are_read_in_the_order_of_the_cpu() {
    let memory = cpu();
    let mut memory = memory.lock();
    for (name, item, expected) in [
        ("the speed that was set", item(4, 1, 1, 0x84, 0), vec![0xFF, 4, 0, 16, 0x05, 0xC8]),
        ("its low byte", item(2, 1, 1, 0x84, 8), vec![0xFF, 4, 0, 8, 0xC8]),
        ("the run command", item(1, 1, 0, 0x83, 0), vec![0xFF, 3, 0, 1, 1]),
        ("the byte of the inputs", item(2, 1, 0, 0x81, 0), vec![0xFF, 4, 0, 8, 1]),
        ("a timer", item(0x1D, 1, 0, 0x1D, 5), vec![0xFF, 9, 0, 2, 0, 0]),
        ("beyond the end", item(2, 2, 1, 0x84, 39_999 * 8), vec![OUT_OF_RANGE, 0, 0, 0]),
        ("no such block", item(2, 1, 9, 0x84, 0), vec![NO_SUCH_OBJECT, 0, 0, 0]),
        ("two bits", item(1, 2, 0, 0x83, 0), vec![OTHER_TYPE, 0, 0, 0]),
        ("bytes of a timer", item(2, 1, 0, 0x1D, 0), vec![OTHER_TYPE, 0, 0, 0]),
    ] {
        assert_eq!(read_one(&mut memory, &item), expected, "{name}");
    }
    // The level of the tank is a number of four words: the high one comes first.
    let level = read_one(&mut memory, &item(2, 8, 1, 0x84, 240 * 8));
    let level = f64::from_be_bytes(level[4..].try_into().unwrap());
    assert!((0.0..=100.0).contains(&level) && level > 1.0, "{level}");
}

#[test]
fn bits_and_odd_bytes_are_written_alone() {
    let memory = cpu();
    let mut memory = memory.lock();
    let mut write = |item: Vec<u8>, data: &[u8]| {
        let answered = answer(&mut memory, &job(&[&[5, 1], &item[..]].concat(), data)).unwrap();
        answered[14]
    };
    assert_eq!(write(item(2, 3, 2, 0x84, 101 * 8), &[0, 4, 0, 24, 1, 2, 3]), SUCCESS);
    assert_eq!(write(item(1, 1, 2, 0x84, 102 * 8 + 7), &[0, 3, 0, 1, 1]), SUCCESS);
    assert_eq!(write(item(1, 1, 2, 0x84, 102 * 8 + 1), &[0, 3, 0, 1, 0]), SUCCESS);
    assert_eq!(write(item(2, 3, 2, 0x84, 0), &[0, 4, 0, 16, 1, 2]), OTHER_LENGTH);
    assert_eq!(write(item(2, 2, 2, 0x84, 39_999 * 8), &[0, 4, 0, 16, 1, 2]), OUT_OF_RANGE);
    let read = read_one(&mut memory, &item(2, 5, 2, 0x84, 100 * 8));
    assert_eq!(read, [0xFF, 4, 0, 40, 0, 1, 0x80, 3, 0]);
}

#[test]
fn what_a_pdu_cannot_hold_is_refused() {
    let memory = cpu();
    let error = |parameters: &[u8]| {
        let answered = answer(&mut memory.lock(), &job(parameters, &[])).unwrap();
        u16::from_be_bytes([answered[10], answered[11]])
    };
    assert_eq!(error(&[&[4, 1], &item(2, 222, 1, 0x84, 0)[..]].concat()), 0);
    assert_eq!(error(&[&[4, 1], &item(2, 223, 1, 0x84, 0)[..]].concat()), TOO_LONG);
    assert_eq!(error(&[&[4, 21], &item(2, 1, 1, 0x84, 0).repeat(21)[..]].concat()), TOO_LONG);
    assert_eq!(error(&[0x29]), NO_SUCH_FUNCTION, "a CPU is not stopped");
}

proptest! {
    #[test]
    fn any_job_is_answered_or_ends_the_connection(
        function in prop_oneof![Just(4u8), Just(5), Just(0xF0), any::<u8>()],
        count in 0u8..4,
        size in prop_oneof![1u8..9, 0x1Cu8..0x1E, any::<u8>()],
        (cells, block, area) in (any::<u16>(), 0u16..4, prop_oneof![0x81u8..0x85, 0x1Cu8..0x1E, any::<u8>()]),
        address in 0u32..1 << 24,
        data in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let items = item(size, cells, block, area, address).repeat(count.into());
        let _ = answer(&mut cpu().lock(), &job(&[&[function, count], &items[..]].concat(), &data));
        let _ = answer(&mut cpu().lock(), &data);
        let _ = confirm(&data);
    }
}
