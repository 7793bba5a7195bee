//! Matrix product compared with its definition, for every way its rows and columns can be cut into blocks.

use super::limits::{ModelLimits, ResourceBudget};
use super::matmul::{PackedWeights, StridedRows};

fn value(seed: usize) -> f32 {
    (seed as f32 * 0.731).sin()
}

#[test]
fn products_are_sums_of_products() {
    let mut budget = ResourceBudget::new(&ModelLimits::default(), 1);
    let sizes = [1, 2, 3, 5, 7, 8, 12, 15, 16, 17, 31, 33, 64, 65, 100];
    let short =
        (0..14).flat_map(|count| sizes.map(|columns| (count, 1 + (count * 5 + columns) % 23, columns)));
    // Few columns of many terms use the narrow layout.
    let long = (1..4).flat_map(|count| [(count, 64, 1), (count, 67, 2), (count, 320, 3), (count, 95, 4)]);
    for (count, depth, columns) in short.chain(long) {
        let weights: Vec<f32> = (0..depth * columns).map(value).collect();
        let packed =
            PackedWeights::from_rows(depth, weights.chunks(depth), &mut budget).expect("within limits");
        // Rows overlap, and values between the rows of the result stay untouched.
        let (stride, apart) = (1 + depth / 2, columns + 3);
        let values: Vec<f32> = (0..count * stride + depth).map(|at| value(at + 1000)).collect();
        let mut out: Vec<f32> = (0..count * apart + columns).map(|at| value(at + 5000)).collect();
        let before = out.clone();
        packed.multiply(StridedRows { values: &values, stride, count }, &mut out, apart);
        for (at, (given, before)) in out.iter().zip(&before).enumerate() {
            let (row, column) = (at / apart, at % apart);
            let products = (0..depth).map(|k| values[row * stride + k] * weights[column * depth + k]);
            let (sum, size) = match row < count && column < columns {
                true => {
                    products.fold((0.0, 0.0), |(sum, size), product| (sum + product, size + product.abs()))
                }
                false => (0.0, 0.0),
            };
            let expected = before + sum;
            assert!(
                (given - expected).abs() < 1e-6 * (1.0 + size),
                "{count} x {depth} x {columns} at {row},{column}: {given}, not {expected}"
            );
        }
    }
}
