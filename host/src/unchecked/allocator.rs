//! mimalloc, asked for what it gives anyway.
//!
//! The crate `mimalloc` asks for an alignment each time, for which mimalloc has a longer way: 20 to 30 instructions
//! more for each of the 12 to 80 allocations of a request.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;

use libmimalloc_sys as mimalloc;

/// The allocator of the gateway.
#[derive(Debug)]
pub struct Allocator;

/// What everything in mimalloc is aligned to.
const ALWAYS: usize = 8;

// SAFETY: each function of mimalloc does what `GlobalAlloc` asks of its counterpart: it gives memory of the size, or
// null; what it gives is aligned to a word at least, as C's `malloc` must; and none unwinds. Whatever it gave it
// takes back by `mi_free` and `mi_realloc`, aligned or not.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps to `GlobalAlloc::alloc`.
        unsafe {
            if layout.align() <= ALWAYS {
                mimalloc::mi_malloc(layout.size()).cast()
            } else {
                mimalloc::mi_malloc_aligned(layout.size(), layout.align()).cast()
            }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps to `GlobalAlloc::alloc_zeroed`.
        unsafe {
            if layout.align() <= ALWAYS {
                mimalloc::mi_zalloc(layout.size()).cast()
            } else {
                mimalloc::mi_zalloc_aligned(layout.size(), layout.align()).cast()
            }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, _: Layout) {
        // SAFETY: the caller gives back what it got here.
        unsafe { mimalloc::mi_free(pointer.cast::<c_void>()) }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller has got `pointer` here, with this layout, and keeps to `GlobalAlloc::realloc`.
        unsafe {
            if layout.align() <= ALWAYS {
                mimalloc::mi_realloc(pointer.cast::<c_void>(), size).cast()
            } else {
                mimalloc::mi_realloc_aligned(pointer.cast::<c_void>(), size, layout.align()).cast()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_aligned_and_keeps_what_is_in_it() {
        for (size, align) in (1..=64).chain([1000, 5000, 70_000]).flat_map(|size| [(size, 1), (size, 8), (size, 64)]) {
            let layout = Layout::from_size_align(size, align).unwrap();
            let larger = Layout::from_size_align(size * 3, align).unwrap();
            // SAFETY: sizes are not 0; each pointer is written within its size, and given back once.
            unsafe {
                let pointer = Allocator.alloc_zeroed(layout);
                assert!(!pointer.is_null() && pointer.addr().is_multiple_of(align), "{size} {align}");
                assert!(std::slice::from_raw_parts(pointer, size).iter().all(|byte| *byte == 0));
                pointer.write_bytes(7, size);
                let pointer = Allocator.realloc(pointer, layout, size * 3);
                assert!(!pointer.is_null() && pointer.addr().is_multiple_of(align), "{size} {align}");
                assert!(std::slice::from_raw_parts(pointer, size).iter().all(|byte| *byte == 7));
                Allocator.dealloc(pointer, larger);
                let pointer = Allocator.alloc(layout);
                assert!(!pointer.is_null() && pointer.addr().is_multiple_of(align), "{size} {align}");
                Allocator.dealloc(pointer, layout);
            }
        }
    }
}
