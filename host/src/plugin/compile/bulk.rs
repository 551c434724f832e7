//! Bulk memory instructions in pieces, between which ticks find a guest computing.
//!
//! wasmtime looks for a tick before `memory.fill`, `memory.copy` and `memory.init`, but not while it does them
//! (<https://github.com/bytecodealliance/wasmtime/issues/14047>): one that fills 32 MiB of new memory keeps a worker
//! for 25 ms. So each of them becomes a call of a function that is added to its module and does the same,
//! [`CHUNK`] by [`CHUNK`]. The call takes as many bytes as the instruction did, since debug information tells
//! places in a module by their distance from the beginning of its code.
//!
//! What differs: one that leaves its memory has written a part before it traps. Nobody sees that, for an instance
//! that trapped is never entered again. Absent on purpose: tables, whose elements are few (`engine` limits them),
//! and the copies wasmtime makes by itself between the modules of one component.

mod short;

use std::borrow::Cow;

use wasm_encoder::{BlockType, ComponentSectionId, Encode as _, Function, InstructionSink, SectionId};
use wasmparser::{
    BinaryReader, BinaryReaderError, CodeSectionReader, FunctionBody, FunctionSectionReader, ImportSectionReader,
    Operator, TypeRef, TypeSectionReader,
};

/// Bytes of memory: 16 pages of the kernel's, which it takes 50 microseconds to make if none was there.
const CHUNK: i32 = 64 << 10;

/// Components within components that are read, for each is a call of a function here.
const MAX_DEPTH: usize = 100;

const PREAMBLE: usize = 8;
/// Kinds of sections in a component.
const CORE_MODULE: u8 = ComponentSectionId::CoreModule as u8;
const COMPONENT: u8 = ComponentSectionId::Component as u8;
/// Kinds of sections in a module.
const TYPES: u8 = SectionId::Type as u8;
const IMPORTS: u8 = SectionId::Import as u8;
const FUNCTIONS: u8 = SectionId::Function as u8;
const CODE: u8 = SectionId::Code as u8;
/// A function of three i32, with no result.
const TYPE: &[u8] = &[0x60, 3, 0x7f, 0x7f, 0x7f, 0];
/// The first byte of a bulk instruction, and the number that follows.
const PREFIX: u8 = 0xfc;
const INIT: u8 = 8;
const COPY: u8 = 10;
const FILL: u8 = 11;
/// Parameters of the functions that are added.
const TO: u32 = 0;
const FROM: u32 = 1;
const BYTES: u32 = 2;

/// Components within components, more than are read.
#[derive(Debug)]
pub(crate) struct TooDeep;

/// Why there is no other component.
#[derive(Debug)]
enum Stop {
    NotValid,
    TooDeep,
}

/// A component or module whose bulk instructions are done in chunks. What is not valid is left to be refused by the
/// compiler, whose errors say more.
///
/// # Errors
///
/// Components within components within components, and so on.
pub(crate) fn in_chunks(binary: &[u8]) -> Result<Cow<'_, [u8]>, TooDeep> {
    match rewritten(binary, 0) {
        Ok(Some(rewritten)) => Ok(Cow::Owned(rewritten)),
        Ok(None) | Err(Stop::NotValid) => Ok(Cow::Borrowed(binary)),
        Err(Stop::TooDeep) => Err(TooDeep),
    }
}

impl std::fmt::Display for TooDeep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "components within components, more than {MAX_DEPTH} deep")
    }
}

impl std::error::Error for TooDeep {}

impl From<BinaryReaderError> for Stop {
    fn from(_: BinaryReaderError) -> Self {
        Self::NotValid
    }
}

/// None if there is nothing to do.
fn rewritten(binary: &[u8], depth: usize) -> Result<Option<Vec<u8>>, Stop> {
    let is_component = matches!(binary.get(..PREAMBLE), Some([.., 1, 0]));
    if is_component { component(binary, depth) } else { module(binary) }
}

fn component(binary: &[u8], depth: usize) -> Result<Option<Vec<u8>>, Stop> {
    if depth >= MAX_DEPTH {
        return Err(Stop::TooDeep);
    }
    let (mut out, mut is_changed) = (Vec::with_capacity(binary.len()), false);
    out.extend(&binary[..PREAMBLE]);
    for (kind, contents) in sections(binary)? {
        let inner = match kind {
            CORE_MODULE | COMPONENT => rewritten(contents, depth + 1)?,
            _ => None,
        };
        is_changed |= inner.is_some();
        section(&mut out, kind, inner.as_deref().unwrap_or(contents));
    }
    Ok(is_changed.then_some(out))
}

fn module(binary: &[u8]) -> Result<Option<Vec<u8>>, Stop> {
    let sections = sections(binary)?;
    let contents_of = |wanted| {
        let of_kind = sections.iter().find(|(kind, _)| *kind == wanted);
        BinaryReader::new(of_kind.map_or(&[0], |(_, contents)| contents), 0)
    };
    let functions = FunctionSectionReader::new(contents_of(FUNCTIONS))?.count();
    let imported = imported_functions(contents_of(IMPORTS))?;
    let mut bulk = Bulk::new(imported.checked_add(functions).ok_or(Stop::NotValid)?);
    let bodies = bulk.bodies(contents_of(CODE))?;
    if bulk.instructions.is_empty() {
        return Ok(None);
    }
    let ty = types(contents_of(TYPES))?;
    let added = u32::try_from(bulk.instructions.len()).map_err(|_| Stop::NotValid)?;
    let mut out = Vec::with_capacity(binary.len() + 64 * (bulk.instructions.len() + 1));
    out.extend(&binary[..PREAMBLE]);
    for (kind, contents) in &sections {
        match *kind {
            TYPES => section(&mut out, TYPES, &longer(contents, 1, TYPE)?),
            FUNCTIONS => {
                let mut types = Vec::new();
                (0..added).for_each(|_| ty.encode(&mut types));
                section(&mut out, FUNCTIONS, &longer(contents, added, &types)?);
            }
            CODE => {
                let mut functions = Vec::new();
                bulk.instructions.iter().for_each(|instruction| instruction.in_chunks().encode(&mut functions));
                section(&mut out, CODE, &longer(&bodies, added, &functions)?);
            }
            _ => section(&mut out, *kind, contents),
        }
    }
    Ok(Some(out))
}

/// Kind and contents of each section.
fn sections(binary: &[u8]) -> Result<Vec<(u8, &[u8])>, BinaryReaderError> {
    let mut reader = BinaryReader::new(binary, 0);
    reader.read_bytes(PREAMBLE)?;
    let mut sections = Vec::new();
    while !reader.eof() {
        let (kind, size) = (reader.read_u8()?, reader.read_var_u32()?);
        sections.push((kind, reader.read_bytes(size as usize)?));
    }
    Ok(sections)
}

fn section(out: &mut Vec<u8>, kind: u8, contents: &[u8]) {
    out.push(kind);
    contents.encode(out);
}

/// The contents of a section, which begin with a count of what follows, with more of it. The count may be any
/// number: this section may be a second one of its kind, which nobody has read.
fn longer(contents: &[u8], by: u32, more: &[u8]) -> Result<Vec<u8>, Stop> {
    let mut reader = BinaryReader::new(contents, 0);
    let count = reader.read_var_u32()?.checked_add(by).ok_or(Stop::NotValid)?;
    let mut longer = Vec::with_capacity(contents.len() + more.len() + 1);
    count.encode(&mut longer);
    longer.extend(reader.read_bytes(reader.bytes_remaining())?);
    longer.extend(more);
    Ok(longer)
}

fn imported_functions(imports: BinaryReader<'_>) -> Result<u32, BinaryReaderError> {
    let mut functions = 0;
    for import in ImportSectionReader::new(imports)?.into_imports() {
        functions += u32::from(matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)));
    }
    Ok(functions)
}

/// How many there are, groups of them taken apart.
fn types(types: BinaryReader<'_>) -> Result<usize, BinaryReaderError> {
    TypeSectionReader::new(types)?.into_iter().map(|group| Ok(group?.types().len())).sum()
}

/// The bulk instructions of a module.
struct Bulk {
    /// The function that stands for the first of them.
    first: u32,
    instructions: Vec<Instruction>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instruction {
    Fill { memory: u32 },
    Copy { to: u32, from: u32 },
    Init { data: u32, memory: u32 },
}

impl Bulk {
    fn new(first: u32) -> Self {
        Self { first, instructions: Vec::new() }
    }

    /// The code section without its bulk instructions, which are known from then on.
    fn bodies(&mut self, code: BinaryReader<'_>) -> Result<Vec<u8>, BinaryReaderError> {
        let bodies = CodeSectionReader::new(code)?;
        let mut out = Vec::with_capacity(bodies.range().len());
        bodies.count().encode(&mut out);
        for body in bodies {
            let body = body?;
            if may_have_one(body.as_bytes()) {
                self.body(&body)?.encode(&mut out);
            } else {
                body.as_bytes().encode(&mut out);
            }
        }
        Ok(out)
    }

    fn body(&mut self, body: &FunctionBody<'_>) -> Result<Vec<u8>, BinaryReaderError> {
        let (bytes, start) = (body.as_bytes(), body.range().start);
        let mut operators = body.get_operators_reader()?;
        let (mut out, mut copied) = (Vec::with_capacity(bytes.len()), 0);
        while !operators.eof() {
            let at = operators.original_position() - start;
            if let Some(instruction) = Instruction::of(&operators.read()?) {
                let end = operators.original_position() - start;
                out.extend(&bytes[copied..at]);
                call(self.function_for(instruction), end - at, &mut out);
                copied = end;
            }
        }
        out.extend(&bytes[copied..]);
        Ok(out)
    }

    fn function_for(&mut self, instruction: Instruction) -> u32 {
        let known = self.instructions.iter().position(|known| *known == instruction);
        let at = known.unwrap_or_else(|| {
            self.instructions.push(instruction);
            self.instructions.len() - 1
        });
        self.first.saturating_add(u32::try_from(at).unwrap_or(u32::MAX))
    }
}

/// Whether a function's bytes are worth being read as instructions, which takes ten times as long.
fn may_have_one(body: &[u8]) -> bool {
    // Numbers of more bytes than they need have the highest bit set.
    let is_one = |pair: &[u8]| pair[0] == PREFIX && matches!(pair[1] & 0x7f, INIT | COPY | FILL);
    body.contains(&PREFIX) && body.windows(2).any(is_one)
}

/// A call, as long as the instruction it stands for, if the number of the function leaves room for that.
fn call(function: u32, length: usize, out: &mut Vec<u8>) {
    const CALL: u8 = 0x10;
    const MORE: u8 = 0x80;
    let end = out.len() + length;
    out.push(CALL);
    function.encode(out);
    // A number may end in zeros that do not count.
    while out.len() < end {
        if let Some(last) = out.last_mut() {
            *last |= MORE;
        }
        out.push(0);
    }
}

impl Instruction {
    fn of(operator: &Operator<'_>) -> Option<Self> {
        match *operator {
            Operator::MemoryFill { mem } => Some(Self::Fill { memory: mem }),
            Operator::MemoryCopy { dst_mem, src_mem } => Some(Self::Copy { to: dst_mem, from: src_mem }),
            Operator::MemoryInit { data_index, mem } => Some(Self::Init { data: data_index, memory: mem }),
            _ => None,
        }
    }

    /// A function that does the same: where to, where from (or with what), and how many bytes.
    fn in_chunks(self) -> Function {
        let mut function = Function::new([]);
        let mut code = function.instructions();
        match self {
            Self::Fill { .. } => self.upwards(&mut code, &[TO]),
            Self::Init { .. } => self.upwards(&mut code, &[TO, FROM]),
            // What is copied onto a part of itself is copied from the end that is overwritten last.
            Self::Copy { to, from } => {
                short::copy(&mut code, to, from);
                code.local_get(TO).local_get(FROM).i32_le_u().if_(BlockType::Empty);
                self.upwards(&mut code, &[TO, FROM]);
                code.else_();
                self.downwards(&mut code);
                code.end();
            }
        }
        code.local_get(TO).local_get(FROM).local_get(BYTES);
        self.once(&mut code);
        code.end();
        function
    }

    fn once(self, code: &mut InstructionSink<'_>) {
        match self {
            Self::Fill { memory } => code.memory_fill(memory),
            Self::Copy { to, from } => code.memory_copy(to, from),
            Self::Init { data, memory } => code.memory_init(memory, data),
        };
    }

    /// From the beginning, as long as there is more than a chunk.
    fn upwards(self, code: &mut InstructionSink<'_>, move_on: &[u32]) {
        code.loop_(BlockType::Empty);
        code.local_get(BYTES).i32_const(CHUNK).i32_gt_u().if_(BlockType::Empty);
        code.local_get(TO).local_get(FROM).i32_const(CHUNK);
        self.once(code);
        for local in move_on {
            code.local_get(*local).i32_const(CHUNK).i32_add().local_set(*local);
        }
        code.local_get(BYTES).i32_const(CHUNK).i32_sub().local_set(BYTES);
        code.br(1).end().end();
    }

    /// From the end, as long as there is more than a chunk.
    fn downwards(self, code: &mut InstructionSink<'_>) {
        code.loop_(BlockType::Empty);
        code.local_get(BYTES).i32_const(CHUNK).i32_gt_u().if_(BlockType::Empty);
        code.local_get(BYTES).i32_const(CHUNK).i32_sub().local_set(BYTES);
        code.local_get(TO).local_get(BYTES).i32_add();
        code.local_get(FROM).local_get(BYTES).i32_add();
        code.i32_const(CHUNK);
        self.once(code);
        code.br(1).end().end();
    }
}

#[cfg(test)]
mod tests;
