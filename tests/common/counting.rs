//! An allocator that counts. A test that names this module has it.
#![allow(dead_code, unreachable_pub)]
#![allow(unsafe_code)] // A counting allocator can't be had without.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    /// Allocations, and octets held, of this thread: tests run side by side.
    pub static COUNT: Cell<usize> = const { Cell::new(0) };
    pub static HELD: Cell<isize> = const { Cell::new(0) };
    /// Octets that allocations and reallocations asked for, all together.
    pub static ASKED: Cell<usize> = const { Cell::new(0) };
}

fn note(freed: usize, taken: usize) {
    let _ = HELD.try_with(|held| held.set(held.get() + taken as isize - freed as isize));
    if taken > 0 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        let _ = ASKED.try_with(|asked| asked.set(asked.get() + taken));
    }
}

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(0, layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        note(layout.size(), 0);
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(layout.size(), size);
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `work` allocates.
pub fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}
