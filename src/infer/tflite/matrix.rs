//! One matrix product, on which everything with weights stands. Knows no tensors.
//!
//! Weights are packed once into panels as wide as the processor's vectors, so that a product reads them in order and keeps
//! its sums in registers. The vectors come from `pulp`, which finds out at run time what the processor can.

use std::sync::LazyLock;

use pulp::{Arch, Simd, WithSimd};

use super::error::Fault;
use super::limits::Budget;
use super::shape::Shape;

/// Found out once: asking costs more than a small product.
static ARCH: LazyLock<Arch> = LazyLock::new(Arch::new);

pub fn arch() -> Arch {
    *ARCH
}

/// How many numbers a vector of this processor holds.
pub fn lanes() -> usize {
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

/// Weights made ready for products: `columns` sums of `depth` terms each.
#[derive(Debug, Clone, Default)]
pub struct Weights {
    depth: usize,
    columns: usize,
    /// Panels of as many columns as a vector has numbers, the last filled up with zeros; in a panel, term by term. Or,
    /// where `is_narrow`, column by column, each filled up with zeros to whole vectors.
    panels: Vec<f32>,
    /// Whether columns are so few that most of a panel would be empty.
    is_narrow: bool,
}

/// Rows of `depth` values each, `stride` apart; they may overlap.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    pub values: &'a [f32],
    pub stride: usize,
    pub count: usize,
}

/// Rows computed together: enough sums at once to keep the multipliers busy, few enough for the registers.
const BLOCK: usize = 6;

impl Weights {
    /// From one row of weights for each column; of rows that are shorter than `depth` the rest is zero.
    pub fn of<'a>(
        depth: usize,
        rows: impl ExactSizeIterator<Item = &'a [f32]>,
        budget: &mut Budget,
    ) -> Result<Weights, Fault> {
        let (columns, lanes) = (rows.len(), lanes());
        // About what either way costs: vectors multiplied, and the sums over vectors at the end.
        let is_narrow = lanes > 1 && columns * (depth.div_ceil(lanes) + 16) < depth;
        // Filled up, they can be many times as many as they were.
        let filled = if is_narrow {
            [columns, depth.next_multiple_of(lanes)]
        } else {
            [columns.next_multiple_of(lanes), depth]
        };
        let size = Shape::of(&filled)?.count()?;
        budget.check(size)?;
        budget.work(&[size])?;
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
        Ok(Weights { depth, columns, panels, is_narrow })
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Values it holds.
    pub fn size(&self) -> usize {
        self.panels.len()
    }

    /// Adds the products of `rows` and these weights to rows of `out`, which are `apart` from each other.
    pub fn multiply(&self, rows: Rows, out: &mut [f32], apart: usize) {
        struct Product<'a>(&'a Weights, Rows<'a>, &'a mut [f32], usize);
        impl WithSimd for Product<'_> {
            type Output = ();

            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                self.0.multiply_with(simd, self.1, self.2, self.3);
            }
        }
        arch().dispatch(Product(self, rows, out, apart));
    }

    /// The same within a kernel that has asked for vectors already.
    #[inline(always)]
    pub fn multiply_with<S: Simd>(&self, simd: S, rows: Rows, out: &mut [f32], apart: usize) {
        if self.is_narrow {
            return self.narrow(simd, rows, out, apart);
        }
        let mut row = 0;
        while row < rows.count {
            let rest = Rows { values: &rows.values[row * rows.stride..], count: rows.count - row, ..rows };
            let out = &mut out[row * apart..];
            match rest.count {
                1 => self.block::<S, 1>(simd, rest, out, apart),
                2 => self.block::<S, 2>(simd, rest, out, apart),
                3 => self.block::<S, 3>(simd, rest, out, apart),
                4 => self.block::<S, 4>(simd, rest, out, apart),
                5 => self.block::<S, 5>(simd, rest, out, apart),
                _ => self.block::<S, BLOCK>(simd, rest, out, apart),
            }
            row += BLOCK;
        }
    }

    /// Row by row and column by column.
    #[inline(always)]
    fn narrow<S: Simd>(&self, simd: S, rows: Rows, out: &mut [f32], apart: usize) {
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

    /// The first `R` rows, as many panels at a time as there are registers for.
    #[inline(always)]
    fn block<S: Simd, const R: usize>(&self, simd: S, rows: Rows, out: &mut [f32], apart: usize) {
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

    /// `R` rows by `P` panels, whose first column is `column`.
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
