//! Requests to callgrind, by which a program counts a part of itself. Elsewhere they do nothing, at the
//! cost of a few instructions.

/// Whether this program runs under valgrind.
pub fn is_running() -> bool {
    request([0x1001, 0, 0, 0, 0, 0]) != 0
}

/// Forgets what was counted.
pub fn zero() {
    request([CALLGRIND + 1, 0, 0, 0, 0, 0]);
}

/// Starts to count, or stops.
pub fn toggle() {
    request([CALLGRIND + 2, 0, 0, 0, 0, 0]);
}

/// Writes what was counted to a file of its own, under this name.
pub fn dump(name: &str) {
    let name = std::ffi::CString::new(name).expect("a name without NUL");
    request([CALLGRIND + 3, name.as_ptr() as u64, 0, 0, 0, 0]);
}

const CALLGRIND: u64 = (b'C' as u64) << 24 | (b'T' as u64) << 16;

/// The sequence of instructions by which valgrind knows a request (`valgrind.h`).
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn request(arguments: [u64; 6]) -> u64 {
    let mut answer = 0_u64;
    // SAFETY: four rotations of `rdi` by 128 bits in all and an exchange of `rbx` with itself change
    // nothing. Valgrind reads `arguments`, which live until then, and writes the answer to `rdx`.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") answer,
            options(nostack)
        );
    }
    answer
}

#[cfg(not(target_arch = "x86_64"))]
fn request(_arguments: [u64; 6]) -> u64 {
    0
}
