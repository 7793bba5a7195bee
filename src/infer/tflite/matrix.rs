//! One matrix product, on which everything with weights stands. Knows no tensors.

/// Weights made ready for products: `columns` sums of `depth` terms each.
#[derive(Debug, Clone, Default)]
pub struct Weights {
    depth: usize,
    columns: usize,
    /// Term by term, the columns side by side.
    values: Vec<f32>,
}

/// Rows of `depth` values each, `stride` apart; they may overlap.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    pub values: &'a [f32],
    pub stride: usize,
    pub count: usize,
}

impl Weights {
    /// From one row of `depth` weights for each column, side by side or not.
    pub fn of<'a>(depth: usize, rows: impl ExactSizeIterator<Item = &'a [f32]>) -> Weights {
        let columns = rows.len();
        let mut values = vec![0.0; depth * columns];
        for (column, row) in rows.enumerate() {
            row.iter()
                .take(depth)
                .enumerate()
                .for_each(|(term, value)| values[term * columns + column] = *value);
        }
        Weights { depth, columns, values }
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Values it holds.
    pub fn size(&self) -> usize {
        self.values.len()
    }

    /// Adds the products of `rows` and these weights to rows of `out`, which are `apart` from each other.
    pub fn multiply(&self, rows: Rows, out: &mut [f32], apart: usize) {
        for row in 0..rows.count {
            let terms = &rows.values[row * rows.stride..][..self.depth];
            let sums = &mut out[row * apart..][..self.columns];
            for (term, weights) in terms.iter().zip(self.values.chunks_exact(self.columns.max(1))) {
                sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += term * weight);
            }
        }
    }
}
