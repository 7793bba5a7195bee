//! Models made by hand, for what no converter writes: a small writer of flatbuffers and of the tables a model has.

/// A field of a table by slot.
pub type Fields = Vec<(usize, Field)>;

#[derive(Clone)]
pub enum Field {
    I8(i8),
    I32(i32),
    Bytes(Vec<u8>),
    Ints(Vec<i32>),
    Table(Fields),
    Tables(Vec<Fields>),
}

/// A tensor: dimensions (-1 is free), type code, and bytes where it is a constant.
pub struct Slot(pub Vec<i32>, pub i8, pub Option<Vec<u8>>);

/// An operator: code, options, inputs, outputs.
pub struct Op(pub i32, pub Fields, pub Vec<i32>, pub Vec<i32>);

pub struct Sub {
    pub slots: Vec<Slot>,
    pub ops: Vec<Op>,
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

/// The file of a model of these subgraphs. Custom operators are named `custom`.
pub fn model(subs: Vec<Sub>, custom: &str) -> Vec<u8> {
    let (mut codes, mut buffers): (Vec<i32>, Vec<Fields>) = (Vec::new(), vec![vec![]]);
    let mut graphs = Vec::new();
    for sub in subs {
        let mut slots = Vec::new();
        for Slot(dims, kind, bytes) in sub.slots {
            let shape = dims.iter().map(|dim| (*dim).max(1)).collect();
            let buffer = if bytes.is_some() { buffers.len() as i32 } else { 0 };
            buffers.extend(bytes.map(|bytes| vec![(0, Field::Bytes(bytes))]));
            slots.push(vec![
                (0, Field::Ints(shape)),
                (1, Field::I8(kind)),
                (2, Field::I32(buffer)),
                (3, Field::Bytes(b"x".to_vec())),
                (7, Field::Ints(dims)),
            ]);
        }
        let mut ops = Vec::new();
        for Op(code, options, inputs, outputs) in sub.ops {
            let at = codes.iter().position(|known| *known == code).unwrap_or(codes.len());
            if at == codes.len() {
                codes.push(code);
            }
            let (inputs, outputs) = (Field::Ints(inputs), Field::Ints(outputs));
            ops.push(vec![(0, Field::I32(at as i32)), (1, inputs), (2, outputs), (4, Field::Table(options))]);
        }
        let (inputs, outputs) = (Field::Ints(sub.inputs), Field::Ints(sub.outputs));
        graphs.push(vec![(0, Field::Tables(slots)), (1, inputs), (2, outputs), (3, Field::Tables(ops))]);
    }
    let code = |code: &i32| vec![(1, Field::Bytes(custom.as_bytes().to_vec())), (3, Field::I32(*code))];
    let codes = codes.iter().map(code).collect();
    file(&vec![(1, Field::Tables(codes)), (2, Field::Tables(graphs)), (4, Field::Tables(buffers))])
}

/// A file that begins with this table.
pub fn file(root: &Fields) -> Vec<u8> {
    let mut out = vec![0, 0, 0, 0];
    out.extend(b"TFL3");
    let at = write(&mut out, root);
    out[..4].copy_from_slice(&(at as u32).to_le_bytes());
    out
}

/// Appends a table, its description before it and what it refers to behind it; where it lies.
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
            Field::I8(value) => [*value as u8, 0, 0, 0],
            Field::I32(value) => value.to_le_bytes(),
            _ => [0; 4],
        };
        out.extend(bits);
    }
    for (place, (_, field)) in fields.iter().enumerate() {
        let from = at + 4 + 4 * place;
        match field {
            Field::Bytes(bytes) => {
                refer(out, from);
                out.extend((bytes.len() as u32).to_le_bytes());
                out.extend(bytes);
            }
            Field::Ints(values) => {
                refer(out, from);
                out.extend((values.len() as u32).to_le_bytes());
                out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
            Field::Table(fields) => {
                let target = write(out, fields);
                point(out, from, target);
            }
            Field::Tables(tables) => {
                refer(out, from);
                out.extend((tables.len() as u32).to_le_bytes());
                let entries = out.len();
                out.resize(entries + 4 * tables.len(), 0);
                for (k, table) in tables.iter().enumerate() {
                    let target = write(out, table);
                    point(out, entries + 4 * k, target);
                }
            }
            Field::I8(_) | Field::I32(_) => {}
        }
    }
    at
}

/// Makes the offset at `from` refer to the end of what is written.
fn refer(out: &mut [u8], from: usize) {
    point(out, from, out.len());
}

fn point(out: &mut [u8], from: usize, target: usize) {
    out[from..from + 4].copy_from_slice(&((target - from) as u32).to_le_bytes());
}
