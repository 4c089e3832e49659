//! An allocator that counts, for the one program that installs it.

use std::alloc::{GlobalAlloc, Layout, System};

use crate::meter::ALLOCATIONS;

/// The system's allocator, counting in [`ALLOCATIONS`].
#[derive(Clone, Copy, Debug)]
pub struct Counting;

fn count() {
    // Not while the thread's own variables are being taken down.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: all work is the system allocator's, with the arguments as they came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, octets: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(octets, layout, size) }
    }

    unsafe fn dealloc(&self, octets: *mut u8, layout: Layout) {
        unsafe { System.dealloc(octets, layout) }
    }
}
