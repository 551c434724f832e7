//! A guest's memory given back to the kernel in pieces, which wasmtime does in one.

use rustix::mm::{Advice, madvise};
use wasmtime::{AsContextMut, Memory};

/// Bytes that the kernel is given back at once, in some hundredths of a millisecond.
const PIECE: usize = 512 << 10;

/// Gives the pages of one piece of a memory back: what is in it then is what was there at the beginning, or zeros. The
/// kernel lets nobody else have the processor while it takes pages back. False where the memory has no such piece.
pub(crate) fn give_back(memory: Memory, mut store: impl AsContextMut, nth: usize) -> bool {
    let piece = memory.data_mut(&mut store).chunks_mut(PIECE).nth(nth);
    if let Some(piece) = piece {
        // SAFETY: the pages are this memory's, borrowed alone, and of a mapping that wasmtime made: private, so that
        // they read as zeros or as the file behind them from now on, which are bytes as good as others. wasmtime
        // does the same, once the instance is gone. Where the kernel refuses, nothing has changed.
        let _ = unsafe { madvise(piece.as_mut_ptr().cast(), piece.len(), Advice::LinuxDontNeed) };
        return true;
    }
    false
}
