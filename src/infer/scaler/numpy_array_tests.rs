//! Elements of every type and byte order.

use super::numpy_array::Dtype;

fn decoded(dtype: &str, bytes: &[u8], shape: Vec<usize>) -> Vec<f64> {
    let Dtype::Number(number) = Dtype::parse(dtype).unwrap() else { panic!("{dtype} is a number") };
    number.decode(bytes, shape, false).unwrap().values
}

#[test]
fn numbers_are_read_by_their_type() {
    let one_and_a_half = 1.5_f64;
    let rows: [(&str, Vec<u8>, f64); 13] = [
        ("f8", one_and_a_half.to_le_bytes().to_vec(), 1.5),
        ("<f8", one_and_a_half.to_le_bytes().to_vec(), 1.5),
        (">f8", one_and_a_half.to_be_bytes().to_vec(), 1.5),
        ("f4", 0.1_f32.to_le_bytes().to_vec(), f64::from(0.1_f32)),
        (">f4", 0.1_f32.to_be_bytes().to_vec(), f64::from(0.1_f32)),
        ("i8", (-2_i64).to_le_bytes().to_vec(), -2.0),
        ("i4", (-70_000_i32).to_le_bytes().to_vec(), -70_000.0),
        (">i2", (-300_i16).to_be_bytes().to_vec(), -300.0),
        ("|i1", vec![0xff], -1.0),
        ("u8", u64::MAX.to_le_bytes().to_vec(), 18_446_744_073_709_551_615.0),
        ("u4", u32::MAX.to_le_bytes().to_vec(), 4_294_967_295.0),
        ("u2", vec![0x01, 0x80], 32_769.0),
        ("|b1", vec![1], 1.0),
    ];
    for (dtype, bytes, value) in rows {
        assert_eq!(decoded(dtype, &bytes, vec![1]), [value], "{dtype}");
        assert_eq!(decoded(dtype, &bytes, vec![]), [value], "{dtype}, no dimension");
        assert_eq!(decoded(dtype, &bytes.repeat(3), vec![3]), [value; 3], "{dtype}, three");
    }
}

#[test]
fn the_state_of_a_dtype_may_turn_its_bytes_around() {
    let Dtype::Number(turned) = Dtype::parse("f8").unwrap().with_byte_order(">") else { panic!("a number") };
    assert_eq!(turned.decode(&2.0_f64.to_be_bytes(), vec![1], false).unwrap().values, [2.0]);
}
