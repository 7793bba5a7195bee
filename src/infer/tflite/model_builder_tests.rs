//! Model builder for cases that no converter writes: a small writer of flatbuffers and of a model's tables.

/// A field of a table by slot.
pub type Fields = Vec<(usize, FieldValue)>;

#[derive(Clone)]
pub enum FieldValue {
    I8(i8),
    I32(i32),
    Bytes(Vec<u8>),
    Ints(Vec<i32>),
    Table(Fields),
    Tables(Vec<Fields>),
}

/// A tensor: dimensions (-1 is free), type code, and bytes where it is a constant.
pub struct TensorDef(pub Vec<i32>, pub i8, pub Option<Vec<u8>>);

/// An operator: code, options, inputs, outputs.
pub struct OperatorDef(pub i32, pub Fields, pub Vec<i32>, pub Vec<i32>);

pub struct SubgraphDef {
    pub slots: Vec<TensorDef>,
    pub ops: Vec<OperatorDef>,
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
}

pub const F32: i8 = 0;
pub const I32: i8 = 2;
pub const BOOL: i8 = 6;

pub fn ints(values: &[i32]) -> Option<Vec<u8>> {
    Some(values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

pub fn floats(values: &[f32]) -> Option<Vec<u8>> {
    Some(values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

/// Builds the file of a model with these subgraphs. Custom operators are named `custom`.
pub fn model(subs: Vec<SubgraphDef>, custom: &str) -> Vec<u8> {
    let (mut codes, mut buffers): (Vec<i32>, Vec<Fields>) = (Vec::new(), vec![vec![]]);
    let mut graphs = Vec::new();
    for sub in subs {
        let mut slots = Vec::new();
        for TensorDef(dims, kind, bytes) in sub.slots {
            let shape = dims.iter().map(|dim| (*dim).max(1)).collect();
            let buffer = if bytes.is_some() { buffers.len() as i32 } else { 0 };
            buffers.extend(bytes.map(|bytes| vec![(0, FieldValue::Bytes(bytes))]));
            slots.push(vec![
                (0, FieldValue::Ints(shape)),
                (1, FieldValue::I8(kind)),
                (2, FieldValue::I32(buffer)),
                (3, FieldValue::Bytes(b"x".to_vec())),
                (7, FieldValue::Ints(dims)),
            ]);
        }
        let mut ops = Vec::new();
        for OperatorDef(code, options, inputs, outputs) in sub.ops {
            let at = codes.iter().position(|known| *known == code).unwrap_or(codes.len());
            if at == codes.len() {
                codes.push(code);
            }
            let (inputs, outputs) = (FieldValue::Ints(inputs), FieldValue::Ints(outputs));
            ops.push(vec![
                (0, FieldValue::I32(at as i32)),
                (1, inputs),
                (2, outputs),
                (4, FieldValue::Table(options)),
            ]);
        }
        let (inputs, outputs) = (FieldValue::Ints(sub.inputs), FieldValue::Ints(sub.outputs));
        graphs.push(vec![
            (0, FieldValue::Tables(slots)),
            (1, inputs),
            (2, outputs),
            (3, FieldValue::Tables(ops)),
        ]);
    }
    let code =
        |code: &i32| vec![(1, FieldValue::Bytes(custom.as_bytes().to_vec())), (3, FieldValue::I32(*code))];
    let codes = codes.iter().map(code).collect();
    file(&vec![
        (1, FieldValue::Tables(codes)),
        (2, FieldValue::Tables(graphs)),
        (4, FieldValue::Tables(buffers)),
    ])
}

/// Builds a file with this root table.
pub fn file(root: &Fields) -> Vec<u8> {
    let mut out = vec![0, 0, 0, 0];
    out.extend(b"TFL3");
    let at = write(&mut out, root);
    out[..4].copy_from_slice(&(at as u32).to_le_bytes());
    out
}

/// Appends a table, its vtable before it and its referenced data behind it; returns its position.
fn write(out: &mut Vec<u8>, fields: &Fields) -> usize {
    let slots = fields.iter().map(|(slot, _)| slot + 1).max().unwrap_or(0);
    let description = out.len();
    out.extend((4 + 2 * slots as u16).to_le_bytes());
    out.extend((4 + 4 * fields.len() as u16).to_le_bytes());
    out.resize(description + 4 + 2 * slots, 0);
    let at = out.len();
    out.extend(((at - description) as i32).to_le_bytes());
    for (place, (slot, field)) in fields.iter().enumerate() {
        let offset = (4 + 4 * place) as u16;
        out[description + 4 + 2 * slot..][..2].copy_from_slice(&offset.to_le_bytes());
        let bits = match field {
            FieldValue::I8(value) => [*value as u8, 0, 0, 0],
            FieldValue::I32(value) => value.to_le_bytes(),
            _ => [0; 4],
        };
        out.extend(bits);
    }
    for (place, (_, field)) in fields.iter().enumerate() {
        let from = at + 4 + 4 * place;
        match field {
            FieldValue::Bytes(bytes) => {
                refer(out, from);
                out.extend((bytes.len() as u32).to_le_bytes());
                out.extend(bytes);
            }
            FieldValue::Ints(values) => {
                refer(out, from);
                out.extend((values.len() as u32).to_le_bytes());
                out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
            FieldValue::Table(fields) => {
                let target = write(out, fields);
                point(out, from, target);
            }
            FieldValue::Tables(tables) => {
                refer(out, from);
                out.extend((tables.len() as u32).to_le_bytes());
                let entries = out.len();
                out.resize(entries + 4 * tables.len(), 0);
                for (k, table) in tables.iter().enumerate() {
                    let target = write(out, table);
                    point(out, entries + 4 * k, target);
                }
            }
            FieldValue::I8(_) | FieldValue::I32(_) => {}
        }
    }
    at
}

/// Makes the offset at `from` refer to the end of the output.
fn refer(out: &mut [u8], from: usize) {
    point(out, from, out.len());
}

fn point(out: &mut [u8], from: usize, target: usize) {
    out[from..from + 4].copy_from_slice(&((target - from) as u32).to_le_bytes());
}
