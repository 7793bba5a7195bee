//! Matrix product used by every operator with weights. Independent of tensors.
//!
//! Weights are packed once into panels as wide as the processor's vectors, so that a product reads them in order and
//! keeps its sums in registers. `pulp` provides the vectors and detects the processor's features at run time.

use std::sync::LazyLock;

use pulp::{Arch, Simd, WithSimd};

use super::error::InterpreterError;
use super::limits::ResourceBudget;
use super::shape::Shape;

/// Detected once: detection costs more than a small product.
static ARCH: LazyLock<Arch> = LazyLock::new(Arch::new);

/// Returns the vector extensions of this processor.
pub fn arch() -> Arch {
    *ARCH
}

/// Returns how many numbers a vector of this processor holds.
pub fn simd_lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    arch().dispatch(Lanes)
}

/// Weights packed for products: `columns` sums of `depth` terms each.
#[derive(Debug, Clone, Default)]
pub struct PackedWeights {
    depth: usize,
    columns: usize,
    /// Panels with as many columns as a vector has lanes, the last panel padded with zeros; within a panel, term by
    /// term. If `is_narrow`, column by column, each padded with zeros to whole vectors.
    panels: Vec<f32>,
    /// Whether there are so few columns that most of a panel would be empty.
    is_narrow: bool,
}

/// Rows of `depth` values each, `stride` apart; rows may overlap.
#[derive(Clone, Copy)]
pub struct StridedRows<'a> {
    /// The memory that contains all rows.
    pub values: &'a [f32],
    /// Distance in values between the starts of adjacent rows.
    pub stride: usize,
    /// Number of rows.
    pub count: usize,
}

/// Rows computed together: enough sums to keep the multipliers busy, few enough for the registers.
const MAX_BLOCK_ROWS: usize = 6;

impl PackedWeights {
    /// Packs one row of weights per column; rows shorter than `depth` are padded with zeros.
    pub fn from_rows<'a>(
        depth: usize,
        rows: impl ExactSizeIterator<Item = &'a [f32]>,
        budget: &mut ResourceBudget,
    ) -> Result<PackedWeights, InterpreterError> {
        let (columns, lanes) = (rows.len(), simd_lanes());
        // Approximate cost of both layouts: vectors multiplied, and the final sums over vectors.
        let is_narrow = lanes > 1 && columns * (depth.div_ceil(lanes) + 16) < depth;
        // Padding can multiply the number of values.
        let filled = if is_narrow {
            [columns, depth.next_multiple_of(lanes)]
        } else {
            [columns.next_multiple_of(lanes), depth]
        };
        let size = Shape::from_dims(&filled)?.count()?;
        budget.check_elements(size)?;
        budget.charge_work(&[size])?;
        let mut panels = vec![0.0; size];
        for (column, row) in rows.enumerate() {
            let (start, apart) = match is_narrow {
                true => (column * filled[1], 1),
                false => (column / lanes * lanes * depth + column % lanes, lanes),
            };
            for (term, value) in row.iter().take(depth).enumerate() {
                panels[start + term * apart] = *value;
            }
        }
        Ok(PackedWeights { depth, columns, panels, is_narrow })
    }

    /// Returns the number of sums per row: output units or channels.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Returns the number of terms per sum: input values of one row.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Returns the number of values held.
    pub fn size(&self) -> usize {
        self.panels.len()
    }

    /// Adds the products of `rows` and these weights to the rows of `out`, which are `apart` values apart.
    pub fn multiply(&self, rows: StridedRows, out: &mut [f32], apart: usize) {
        struct Product<'a>(&'a PackedWeights, StridedRows<'a>, &'a mut [f32], usize);
        impl WithSimd for Product<'_> {
            type Output = ();

            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                self.0.multiply_with(simd, self.1, self.2, self.3);
            }
        }
        arch().dispatch(Product(self, rows, out, apart));
    }

    /// Adds the products of `rows` and these weights to `out`, within a kernel that has vectors already.
    #[inline(always)]
    pub fn multiply_with<S: Simd>(&self, simd: S, rows: StridedRows, out: &mut [f32], apart: usize) {
        if self.is_narrow {
            return self.narrow(simd, rows, out, apart);
        }
        let mut row = 0;
        while row < rows.count {
            let rest =
                StridedRows { values: &rows.values[row * rows.stride..], count: rows.count - row, ..rows };
            let out = &mut out[row * apart..];
            match rest.count {
                1 => self.block::<S, 1>(simd, rest, out, apart),
                2 => self.block::<S, 2>(simd, rest, out, apart),
                3 => self.block::<S, 3>(simd, rest, out, apart),
                4 => self.block::<S, 4>(simd, rest, out, apart),
                5 => self.block::<S, 5>(simd, rest, out, apart),
                _ => self.block::<S, MAX_BLOCK_ROWS>(simd, rest, out, apart),
            }
            row += MAX_BLOCK_ROWS;
        }
    }

    /// Multiplies row by row and column by column.
    #[inline(always)]
    fn narrow<S: Simd>(&self, simd: S, rows: StridedRows, out: &mut [f32], apart: usize) {
        let (columns, _) = S::as_simd_f32s(&self.panels);
        let wide = self.depth.div_ceil(S::F32_LANES);
        for row in 0..rows.count {
            let (terms, rest) = S::as_simd_f32s(&rows.values[row * rows.stride..][..self.depth]);
            for (column, out) in out[row * apart..][..self.columns].iter_mut().enumerate() {
                let weights = &columns[column * wide..(column + 1) * wide];
                let mut sums = [simd.splat_f32s(0.0); 2];
                for (at, (term, weight)) in terms.iter().zip(weights).enumerate() {
                    sums[at % 2] = simd.mul_add_e_f32s(*term, *weight, sums[at % 2]);
                }
                if let Some(weight) = weights.get(terms.len()) {
                    sums[0] = simd.mul_add_e_f32s(simd.partial_load_f32s(rest), *weight, sums[0]);
                }
                *out += simd.reduce_sum_f32s(simd.add_f32s(sums[0], sums[1]));
            }
        }
    }

    /// Multiplies the first `R` rows, with as many panels at a time as there are registers for.
    #[inline(always)]
    fn block<S: Simd, const R: usize>(&self, simd: S, rows: StridedRows, out: &mut [f32], apart: usize) {
        let mut terms: [&[f32]; R] = [&[]; R];
        for (row, terms) in terms.iter_mut().enumerate() {
            *terms = &rows.values[row * rows.stride..][..self.depth];
        }
        let (vectors, _) = S::as_simd_f32s(&self.panels);
        let panels = self.columns.div_ceil(S::F32_LANES);
        let mut panel = 0;
        while panel < panels {
            let vectors = &vectors[panel * self.depth..];
            let column = panel * S::F32_LANES;
            let left = panels - panel;
            if left >= 4 && (S::REGISTER_COUNT >= 32 || R <= 2) {
                self.tile::<S, R, 4>(simd, (terms, vectors), (out, apart), column);
                panel += 4;
            } else if left >= 2 {
                self.tile::<S, R, 2>(simd, (terms, vectors), (out, apart), column);
                panel += 2;
            } else {
                self.tile::<S, R, 1>(simd, (terms, vectors), (out, apart), column);
                panel += 1;
            }
        }
    }

    /// Multiplies `R` rows by `P` panels, starting at column `column`.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const P: usize>(
        &self,
        simd: S,
        (terms, vectors): ([&[f32]; R], &[S::f32s]),
        (out, apart): (&mut [f32], usize),
        column: usize,
    ) {
        let mut panels: [&[S::f32s]; P] = [&[]; P];
        for (at, panel) in panels.iter_mut().enumerate() {
            *panel = &vectors[at * self.depth..][..self.depth];
        }
        let mut sums = [[simd.splat_f32s(0.0); P]; R];
        for term in 0..self.depth {
            for row in 0..R {
                let value = simd.splat_f32s(terms[row][term]);
                for panel in 0..P {
                    sums[row][panel] = simd.mul_add_e_f32s(value, panels[panel][term], sums[row][panel]);
                }
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            let out = &mut out[row * apart..][..self.columns][column..];
            let (whole, rest) = S::as_mut_simd_f32s(out);
            for (panel, sum) in sums.into_iter().enumerate() {
                match whole.get_mut(panel) {
                    Some(kept) => *kept = simd.add_f32s(*kept, sum),
                    None => {
                        let kept = simd.partial_load_f32s(rest);
                        simd.partial_store_f32s(rest, simd.add_f32s(kept, sum));
                    }
                }
            }
        }
    }
}
