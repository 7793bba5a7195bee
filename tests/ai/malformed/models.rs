//! Models whose flatbuffer says what cannot be: sizes, offsets, indices and instructions, one changed at a time.
//!
//! A small reader of its own finds the places (TensorFlow's `schema.fbs`: the numbers of fields are its order).

/// Fields of the schema, by table.
mod field {
    pub const MODEL_OPERATOR_CODES: usize = 1;
    pub const MODEL_SUBGRAPHS: usize = 2;
    pub const MODEL_BUFFERS: usize = 4;
    pub const GRAPH_TENSORS: usize = 0;
    pub const GRAPH_INPUTS: usize = 1;
    pub const GRAPH_OUTPUTS: usize = 2;
    pub const GRAPH_OPERATORS: usize = 3;
    pub const TENSOR_SHAPE: usize = 0;
    pub const TENSOR_TYPE: usize = 1;
    pub const TENSOR_BUFFER: usize = 2;
    pub const TENSOR_SHAPE_SIGNATURE: usize = 7;
    pub const BUFFER_DATA: usize = 0;
    pub const OPERATOR_CODE: usize = 0;
    pub const OPERATOR_INPUTS: usize = 1;
    pub const OPERATOR_OUTPUTS: usize = 2;
    pub const CODE_OLD: usize = 0;
    pub const CODE: usize = 3;
}

/// Numbers that no length, offset or index is.
const HUGE: [u32; 3] = [0x7fff_ffff, 0xffff_fff0, 0x8000_0000];
/// Most operators and weights that are changed, from all over the model.
const MAX_CHANGED_ITEMS: usize = 8;

/// Positions in a flatbuffer.
struct FlatBuffer<'a>(&'a [u8]);

impl FlatBuffer<'_> {
    fn word(&self, at: usize) -> Option<usize> {
        let bytes = self.0.get(at..at.checked_add(4)?)?;
        usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
    }

    /// The position to which an offset leads.
    fn follow(&self, at: usize) -> Option<usize> {
        at.checked_add(self.word(at)?)
    }

    /// The position of a table's field, if the table has it.
    fn field(&self, table: usize, field: usize) -> Option<usize> {
        let back = i64::from(self.word(table)? as u32 as i32);
        let vtable = usize::try_from(i64::try_from(table).ok()? - back).ok()?;
        let half =
            |at: usize| Some(usize::from(u16::from_le_bytes(self.0.get(at..at + 2)?.try_into().ok()?)));
        let entry = 4 + 2 * field;
        let offset = if entry + 2 <= half(vtable)? { half(vtable + entry)? } else { 0 };
        (offset != 0).then_some(table + offset)
    }

    /// The positions of the items of a vector of words, to which a field leads.
    fn items(&self, table: usize, field: usize) -> Vec<usize> {
        let vector = self.field(table, field).and_then(|at| self.follow(at));
        let len = vector.and_then(|vector| self.word(vector)).unwrap_or(0).min(self.0.len() / 4);
        vector.map_or_else(Vec::new, |vector| (0..len).map(|at| vector + 4 + 4 * at).collect())
    }

    fn tables(&self, table: usize, field: usize) -> Vec<usize> {
        self.items(table, field).into_iter().filter_map(|at| self.follow(at)).collect()
    }
}

/// Changes of a good model, none of which leaves one that works.
pub fn wrong(model: &[u8]) -> Vec<(String, Vec<u8>)> {
    let buffer = FlatBuffer(model);
    let mut patches = ModelPatches { buffer: &buffer, all: Vec::new() };
    patches.word("root", Some(0), &[0, 0x7fff_ffff, 0xffff_ffff]);
    let Some(root) = buffer.follow(0) else { return patches.applied() };
    patches.word("root_vtable", Some(root), &[0x7fff_ffff, 0x8000_0000]);
    for (name, field) in [
        ("codes", field::MODEL_OPERATOR_CODES),
        ("subgraphs", field::MODEL_SUBGRAPHS),
        ("buffers", field::MODEL_BUFFERS),
    ] {
        patches.vector(name, root, field);
    }
    if let Some(graph) = buffer.tables(root, field::MODEL_SUBGRAPHS).first() {
        patches.graph(root, *graph);
    }
    patches.applied()
}

struct ModelPatches<'b, 'a> {
    buffer: &'b FlatBuffer<'a>,
    /// Name, position and bytes of each patch.
    all: Vec<(String, usize, Vec<u8>)>,
}

impl ModelPatches<'_, '_> {
    fn word(&mut self, what: &str, at: Option<usize>, words: &[u32]) {
        let at = at.filter(|at| at.checked_add(4).is_some_and(|end| end <= self.buffer.0.len()));
        for word in words {
            if let Some(at) = at.filter(|at| self.buffer.word(*at) != Some(*word as usize)) {
                self.all.push((format!("model_{what}_{word:x}"), at, word.to_le_bytes().to_vec()));
            }
        }
    }

    /// A vector that leads out of the file, has more items than there are bytes, or none.
    fn vector(&mut self, what: &str, table: usize, field: usize) {
        let offset = self.buffer.field(table, field);
        self.word(&format!("{what}_offset"), offset, &HUGE);
        let length = offset.and_then(|at| self.buffer.follow(at));
        self.word(&format!("{what}_count"), length, &[HUGE[0], HUGE[1], 0]);
    }

    fn graph(&mut self, root: usize, graph: usize) {
        for (name, field) in [
            ("tensors", field::GRAPH_TENSORS),
            ("inputs", field::GRAPH_INPUTS),
            ("outputs", field::GRAPH_OUTPUTS),
            ("operators", field::GRAPH_OPERATORS),
        ] {
            self.vector(name, graph, field);
        }
        let operators = self.buffer.tables(graph, field::GRAPH_OPERATORS);
        self.indices("input", self.buffer.items(graph, field::GRAPH_INPUTS).first().copied());
        self.indices("output", self.buffer.items(graph, field::GRAPH_OUTPUTS).first().copied());
        for operator in spread(&operators) {
            self.word(
                "operator_code_index",
                self.buffer.field(*operator, field::OPERATOR_CODE),
                &[0x7fff_ffff],
            );
            self.indices(
                "operator_input",
                self.buffer.items(*operator, field::OPERATOR_INPUTS).first().copied(),
            );
            self.indices(
                "operator_output",
                self.buffer.items(*operator, field::OPERATOR_OUTPUTS).first().copied(),
            );
        }
        self.codes(root, &operators);
        self.input(graph);
        self.constants(root, graph, &operators);
    }

    fn indices(&mut self, what: &str, at: Option<usize>) {
        self.word(what, at, &[0x7fff_ffff, 0x00ff_ffff]);
    }

    /// Instructions that TFLite does not have, in the place of those that the model uses.
    fn codes(&mut self, root: usize, operators: &[usize]) {
        let codes = self.buffer.tables(root, field::MODEL_OPERATOR_CODES);
        let used = |operator: &usize| match self.buffer.field(*operator, field::OPERATOR_CODE) {
            Some(at) => self.buffer.word(at),
            None => Some(0),
        };
        let used: Vec<usize> = operators.iter().filter_map(used).collect();
        for (_, code) in codes.iter().enumerate().filter(|(at, _)| used.contains(at)) {
            self.word("unknown_operator", self.buffer.field(*code, field::CODE), &[30_000, 0x7fff_ffff]);
            // 127 says that the number is in the other field, which without one is none that a model has.
            if let (Some(at), None) =
                (self.buffer.field(*code, field::CODE_OLD), self.buffer.field(*code, field::CODE))
            {
                self.all.push(("model_unknown_old_operator".to_owned(), at, vec![126]));
            }
        }
    }

    /// Windows of no sample, of two thousand million, of another type.
    fn input(&mut self, graph: usize) {
        let tensors = self.buffer.tables(graph, field::GRAPH_TENSORS);
        let input =
            self.buffer.items(graph, field::GRAPH_INPUTS).first().and_then(|at| self.buffer.word(*at));
        let Some(tensor) = input.and_then(|input| tensors.get(input)).copied() else { return };
        let (shape, signature) = (
            self.buffer.items(tensor, field::TENSOR_SHAPE),
            self.buffer.items(tensor, field::TENSOR_SHAPE_SIGNATURE),
        );
        for (at, dimension) in shape.iter().enumerate().skip(1) {
            // Whichever of the two a reader looks at, it is wrong in both; they may even be the same bytes.
            for word in [0, 0x7fff_ffff, 0x8000_0000] {
                let Some(mut patched) = patch(self.buffer.0, *dimension, &u32::to_le_bytes(word)) else {
                    continue;
                };
                if let Some(both) =
                    signature.get(at).and_then(|at| patch(&patched, *at, &u32::to_le_bytes(word)))
                {
                    patched = both;
                }
                self.all.push((format!("model_input_dimension_{at}_{word:x}"), 0, patched));
            }
        }
        if let Some(at) = self.buffer.field(tensor, field::TENSOR_TYPE) {
            // Texts, complex numbers, and none that there is.
            for kind in [5, 8, 99] {
                self.all.push((format!("model_input_type_{kind}"), at, vec![kind]));
            }
        }
    }

    /// Weights whose shape is not that of their bytes, or whose bytes are elsewhere.
    fn constants(&mut self, root: usize, graph: usize, operators: &[usize]) {
        let tensors = self.buffer.tables(graph, field::GRAPH_TENSORS);
        let buffers = self.buffer.tables(root, field::MODEL_BUFFERS);
        let inputs =
            operators.iter().flat_map(|operator| self.buffer.items(*operator, field::OPERATOR_INPUTS));
        let mut used: Vec<usize> = inputs.filter_map(|at| self.buffer.word(at)).collect();
        used.sort_unstable();
        used.dedup();
        let weights: Vec<_> =
            used.iter().filter_map(|used| self.weights(&buffers, *tensors.get(*used)?)).collect();
        for weights in spread(&weights) {
            self.word("weights_buffer", Some(weights.index), &[0x7fff_ffff]);
            self.word("weights_offset", Some(weights.offset), &HUGE[..1]);
            self.word("weights_length", Some(weights.length), &HUGE[..2]);
            self.word("weights_dimension", weights.dimension, &[0x7fff_ffff, 0xffff_ffff, 0x0001_0000]);
        }
    }

    /// The positions that describe a tensor's bytes, if it has any.
    fn weights(&self, buffers: &[usize], tensor: usize) -> Option<Weights> {
        let index = self.buffer.field(tensor, field::TENSOR_BUFFER)?;
        let content = *buffers.get(self.buffer.word(index)?)?;
        let offset = self.buffer.field(content, field::BUFFER_DATA)?;
        let length = self.buffer.follow(offset)?;
        let dimension = self.buffer.items(tensor, field::TENSOR_SHAPE).first().copied();
        (self.buffer.word(length)? > 0).then_some(Weights { index, offset, length, dimension })
    }

    fn applied(self) -> Vec<(String, Vec<u8>)> {
        let model = self.buffer.0;
        let applied = |(what, at, bytes): (String, usize, Vec<u8>)| Some((what, patch(model, at, &bytes)?));
        self.all.into_iter().filter_map(applied).collect()
    }
}

/// The positions of the number of a tensor's buffer, of the offset and the length of its bytes, of its first dimension.
struct Weights {
    index: usize,
    offset: usize,
    length: usize,
    dimension: Option<usize>,
}

/// At most `MAX_CHANGED_ITEMS` items, from all over the list.
fn spread<T>(items: &[T]) -> impl Iterator<Item = &T> {
    items.iter().step_by(items.len().div_ceil(MAX_CHANGED_ITEMS).max(1))
}

/// The bytes with others from a place on; `None` if that is past their end.
fn patch(model: &[u8], at: usize, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut patched = model.to_vec();
    patched.get_mut(at..at.checked_add(bytes.len())?)?.copy_from_slice(bytes);
    Some(patched)
}
