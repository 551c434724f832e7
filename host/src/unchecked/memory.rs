//! A guest's memory given back to the kernel in pieces, which wasmtime does in one.

use rustix::mm::{Advice, madvise};
use wasmtime::{AsContextMut, Memory};

/// Bytes that the kernel is given back at once, in some hundredths of a millisecond.
const PIECE: usize = 512 << 10;

/// Gives the pages of a memory back, a piece at a time, and does `between` after each: what is in the memory is what
/// was there at the beginning, or zeros. The kernel lets nobody else have the processor while it takes pages back.
pub(crate) fn give_back(memory: Memory, mut store: impl AsContextMut, between: impl Fn()) {
    for piece in memory.data_mut(&mut store).chunks_mut(PIECE) {
        // SAFETY: the pages are this memory's, borrowed alone, and of a mapping that wasmtime made: private, so that
        // they read as zeros or as the file behind them from now on, which are bytes as good as others. wasmtime
        // does the same, once the instance is gone. Where the kernel refuses, nothing has changed.
        let _ = unsafe { madvise(piece.as_mut_ptr().cast(), piece.len(), Advice::LinuxDontNeed) };
        between();
    }
}
