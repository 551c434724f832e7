//! The allocator of plugins: free lists of small sizes before Rust's own for components, dlmalloc.
//!
//! A plugin's hook takes and gives back dozens of small pieces, and a third of its instructions went
//! into dlmalloc's search for neighbours to join. Here a piece that is given back goes on a list of its size,
//! and the next of that size takes it from there. What is on a list is never given to another size:
//! a plugin takes for each size what it once had of it at the same time. The first ones are cut from memory
//! that a component begins with: to ask for more costs an instance two calls of the kernel, and most never need
//! it. Absent on purpose: threads, which a component has none of.
//!
//! The one module of this crate with `unsafe`: an allocator cannot be written without. It is small, and
//! tested natively against the system's.

#![allow(unsafe_code, reason = "the trait is unsafe, and so is what it is asked to do")]
#![allow(clippy::cast_ptr_alignment, reason = "every piece is aligned to `ALIGN`, which is what a pointer needs")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};
use std::ptr;

/// Sizes of pieces: 16 bytes, and twice as many up to [`LARGEST`].
const CLASSES: usize = 7;
const SMALLEST: usize = 16;
const LARGEST: usize = SMALLEST << (CLASSES - 1);
/// What every piece is aligned to.
const ALIGN: usize = 8;

/// Bytes that a component begins with. Those that nobody touches cost nothing but addresses.
const FIRST: usize = 64 * 1024;

/// Free lists in front of [`System`]. Not to be moved once it was used: pieces are parts of it.
#[derive(Debug)]
pub(crate) struct Allocator {
    /// The first free piece of each size; each has the address of the next in its first bytes.
    free: [Cell<*mut u8>; CLASSES],
    first: UnsafeCell<First>,
    /// How much of it is cut off.
    cut: Cell<usize>,
}

#[derive(Debug)]
#[repr(align(8))]
struct First([u8; FIRST]);

// SAFETY: a component has one thread, and natively only tests use it, each its own.
unsafe impl Sync for Allocator {}

impl Allocator {
    #[allow(clippy::large_stack_arrays, reason = "a component's is a static; only tests have others")]
    pub(crate) const fn new() -> Self {
        let free = [const { Cell::new(ptr::null_mut()) }; CLASSES];
        // All zeros, so that it is in no file.
        Self { free, first: UnsafeCell::new(First([0; FIRST])), cut: Cell::new(0) }
    }

    fn push(&self, class: usize, piece: *mut u8) {
        // SAFETY: the piece is free, and has at least `SMALLEST` bytes aligned to `ALIGN`.
        unsafe { piece.cast::<*mut u8>().write(self.free[class].get()) };
        self.free[class].set(piece);
    }

    fn pop(&self, class: usize) -> Option<*mut u8> {
        let piece = self.free[class].get();
        if piece.is_null() {
            return None;
        }
        // SAFETY: what is on a list was put there by `push`.
        self.free[class].set(unsafe { piece.cast::<*mut u8>().read() });
        Some(piece)
    }

    /// Of what the component began with, while there is some of it.
    fn cut(&self, class: usize) -> Option<*mut u8> {
        let (at, size) = (self.cut.get(), piece(class).size());
        if at + size > FIRST {
            return None;
        }
        self.cut.set(at + size);
        // SAFETY: it is within, and a multiple of the smallest size, so of `ALIGN`. It is cut off once.
        Some(unsafe { (&raw mut (*self.first.get()).0).cast::<u8>().add(at) })
    }
}

// SAFETY: a piece is on a list or with its owner, never both; it has the size and alignment of its class,
// which the layout tells at each call; everything else is passed on to `System` as it came.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match class(layout) {
            Some(class) => {
                // SAFETY: the size is not 0.
                let piece = || unsafe { System.alloc(piece(class)) };
                self.pop(class).or_else(|| self.cut(class)).unwrap_or_else(piece)
            }
            // SAFETY: as our caller promised.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        match class(layout) {
            Some(class) => self.push(class, pointer),
            // SAFETY: as our caller promised; it came from `System` with this layout, as what is cut has a class.
            None => unsafe { System.dealloc(pointer, layout) },
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: our caller promises that it is a legal layout.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (class(layout), class(wanted)) {
            (None, None) => unsafe { System.realloc(pointer, layout, size) },
            (old, new) if old == new => pointer,
            _ => {
                // SAFETY: both have the smaller of the two sizes, and do not overlap.
                unsafe {
                    let moved = self.alloc(wanted);
                    if !moved.is_null() {
                        ptr::copy_nonoverlapping(pointer, moved, layout.size().min(size));
                        self.dealloc(pointer, layout);
                    }
                    moved
                }
            }
        }
    }
}

/// Which list serves it; none for what is large, empty or aligned to more.
fn class(layout: Layout) -> Option<usize> {
    let size = layout.size();
    if size == 0 || size > LARGEST || layout.align() > ALIGN {
        return None;
    }
    let bits = usize::BITS - ((size - 1) | (SMALLEST - 1)).leading_zeros();
    Some(bits as usize - SMALLEST.trailing_zeros() as usize)
}

/// What a piece of this class is taken as.
const fn piece(class: usize) -> Layout {
    // SAFETY: a power of two, and a size far below the largest.
    unsafe { Layout::from_size_align_unchecked(SMALLEST << class, ALIGN) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_size_belongs_to_the_smallest_class_that_holds_it() {
        let class_of = |size| class(Layout::from_size_align(size, 1).unwrap());
        for (size, expected) in [(1, 0), (16, 0), (17, 1), (32, 1), (33, 2), (1000, 6), (1024, 6)] {
            assert_eq!(class_of(size), Some(expected), "{size}");
        }
        assert_eq!((class_of(0), class_of(1025)), (None, None));
        assert_eq!(class(Layout::from_size_align(16, 16).unwrap()), None);
    }

    #[test]
    fn a_piece_given_back_is_the_next_of_its_size() {
        let allocator = Allocator::new();
        let layout = Layout::from_size_align(40, 8).unwrap();
        // SAFETY: each is given back as it was taken, and not used after.
        unsafe {
            let first = allocator.alloc(layout);
            allocator.dealloc(first, layout);
            let smaller = allocator.alloc(Layout::from_size_align(8, 8).unwrap());
            assert_ne!(smaller, first);
            assert_eq!(allocator.alloc(Layout::from_size_align(64, 1).unwrap()), first);
        }
    }

    #[test]
    fn the_first_pieces_are_parts_of_it_and_further_ones_are_not() {
        let allocator = Allocator::new();
        let layout = Layout::from_size_align(LARGEST, 8).unwrap();
        let own = (&raw const allocator).addr()..(&raw const allocator).addr() + size_of::<Allocator>();
        // SAFETY: each is given back as it was taken, and not used after.
        unsafe {
            let pieces: Vec<_> = (0..=FIRST / LARGEST).map(|_| allocator.alloc(layout)).collect();
            let (further, first) = pieces.split_last().unwrap();
            assert!(first.iter().all(|piece| own.contains(&piece.addr())) && !own.contains(&further.addr()));
            assert!(first.is_sorted_by(|one, next| next.addr() - one.addr() == LARGEST));
            System.dealloc(*further, layout);
        }
    }

    /// A piece somebody has: every byte of it is `mark`.
    struct Owned {
        pointer: *mut u8,
        layout: Layout,
        mark: u8,
    }

    proptest! {
        #[test]
        fn what_is_written_stays_until_it_is_given_back(steps in proptest::collection::vec((0..3_u8, any::<prop::sample::Index>(), 1..3000_usize, 0..5_u32), 1..200)) {
            let allocator = Allocator::new();
            let mut owned: Vec<Owned> = Vec::new();
            for (step, (kind, which, size, align)) in steps.into_iter().enumerate() {
                let mark = u8::try_from(step % 251).unwrap();
                // SAFETY: every piece is in `owned` once, with its layout, until it is given back.
                unsafe {
                    if kind == 0 || owned.is_empty() {
                        let layout = Layout::from_size_align(size, 1 << align).unwrap();
                        let pointer = allocator.alloc(layout);
                        prop_assert_eq!(pointer.align_offset(layout.align()), 0);
                        pointer.write_bytes(mark, size);
                        owned.push(Owned { pointer, layout, mark });
                        continue;
                    }
                    let at = which.index(owned.len());
                    let piece = &mut owned[at];
                    let kept = std::slice::from_raw_parts(piece.pointer, piece.layout.size());
                    prop_assert!(kept.iter().all(|byte| *byte == piece.mark));
                    if kind == 1 {
                        let piece = owned.swap_remove(at);
                        allocator.dealloc(piece.pointer, piece.layout);
                        continue;
                    }
                    let common = piece.layout.size().min(size);
                    piece.pointer = allocator.realloc(piece.pointer, piece.layout, size);
                    piece.layout = Layout::from_size_align(size, piece.layout.align()).unwrap();
                    prop_assert!(std::slice::from_raw_parts(piece.pointer, common).iter().all(|byte| *byte == piece.mark));
                    piece.pointer.write_bytes(piece.mark, size);
                }
            }
            for piece in owned {
                // SAFETY: as above.
                unsafe { allocator.dealloc(piece.pointer, piece.layout) };
            }
        }
    }
}
