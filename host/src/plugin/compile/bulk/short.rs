//! Short copies, which most are: names, values, paths.
//!
//! wasmtime calls the host for each `memory.copy`, however short, which takes some hundred instructions. Here up
//! to [`MOST`] bytes are loaded, all of them, and then stored: so it does not matter whether the places overlap.
//! What is stored first is the end of it. If that is within its memory the rest is, too, and where it is not nothing
//! was written, as the instruction has it.

use wasm_encoder::{BlockType, InstructionSink, MemArg};

use super::{BYTES, FROM, TO};

/// Bytes: four words.
const MOST: i32 = 32;

/// Copies what is short, and returns; else goes on behind it.
pub(super) fn copy(code: &mut InstructionSink<'_>, to: u32, from: u32) {
    let mut copy = Copy { code, to, from };
    copy.code.block(BlockType::Empty);
    // Nothing at all is not short: its places are looked at, too.
    copy.code.local_get(BYTES).i32_const(1).i32_sub().i32_const(MOST).i32_ge_u();
    // Nor is what may reach beyond the last of all addresses: the end would be counted from the first again.
    copy.code.local_get(TO).local_get(FROM).i32_or().i32_const(0).i32_lt_s();
    copy.code.i32_or().br_if(0);
    copy.if_longer_than(7);
    copy.if_longer_than(16);
    copy.ends(Size::Word, 2);
    copy.code.else_();
    copy.ends(Size::Word, 1);
    copy.code.end().else_();
    copy.if_longer_than(3);
    copy.ends(Size::Half, 1);
    copy.code.else_();
    copy.up_to_three_bytes();
    copy.code.end().end().return_().end();
}

struct Copy<'a, 'b> {
    code: &'a mut InstructionSink<'b>,
    /// Memories.
    to: u32,
    from: u32,
}

#[derive(Clone, Copy)]
enum Size {
    Byte,
    Half,
    Word,
}

impl Size {
    fn bytes(self) -> i32 {
        match self {
            Self::Byte => 1,
            Self::Half => 4,
            Self::Word => 8,
        }
    }
}

impl Copy<'_, '_> {
    fn if_longer_than(&mut self, bytes: i32) {
        self.code.local_get(BYTES).i32_const(bytes).i32_gt_u().if_(BlockType::Empty);
    }

    /// So many pieces from the beginning and as many from the end, which may be the same in part.
    fn ends(&mut self, size: Size, pieces: u8) {
        let length = size.bytes() * i32::from(pieces);
        let offsets = || (0..pieces).map(|piece| u64::from(piece) * u64::from(size.bytes().unsigned_abs()));
        for offset in offsets() {
            self.code.local_get(TO).local_get(FROM);
            self.load(size, offset);
        }
        for offset in offsets() {
            self.near_the_end(TO, length);
            self.near_the_end(FROM, length);
            self.load(size, offset);
        }
        for offset in offsets().rev().chain(offsets().rev()) {
            self.store(size, offset);
        }
    }

    /// The first, the one in the middle and the last.
    fn up_to_three_bytes(&mut self) {
        self.code.local_get(TO).local_get(FROM);
        self.load(Size::Byte, 0);
        for place in [TO, FROM] {
            self.code.local_get(place).local_get(BYTES).i32_const(1).i32_shr_u().i32_add();
        }
        self.load(Size::Byte, 0);
        self.near_the_end(TO, 1);
        self.near_the_end(FROM, 1);
        self.load(Size::Byte, 0);
        (0..3).for_each(|_| self.store(Size::Byte, 0));
    }

    /// The address so many bytes before the end.
    fn near_the_end(&mut self, place: u32, bytes: i32) {
        self.code.local_get(place).local_get(BYTES).i32_add().i32_const(bytes).i32_sub();
    }

    fn load(&mut self, size: Size, offset: u64) {
        let place = MemArg { offset, align: 0, memory_index: self.from };
        match size {
            Size::Byte => self.code.i32_load8_u(place),
            Size::Half => self.code.i32_load(place),
            Size::Word => self.code.i64_load(place),
        };
    }

    fn store(&mut self, size: Size, offset: u64) {
        let place = MemArg { offset, align: 0, memory_index: self.to };
        match size {
            Size::Byte => self.code.i32_store8(place),
            Size::Half => self.code.i32_store(place),
            Size::Word => self.code.i64_store(place),
        };
    }
}
