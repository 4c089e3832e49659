//! The ground under a program's `run`: start, exit, output, panic handler and the memory functions that
//! compiled code calls. There is no allocator: a dependency that needs one fails to link.
//!
//! x86-64 Linux only. Build with `--release`: the profile has to abort on panic and optimize.

use core::arch::{asm, naked_asm};

/// Exit status of a panic; `run` returns others.
const PANICKED: i32 = 101;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    exit(PANICKED)
}

/// Aligns the stack, as the kernel doesn't call by the C convention.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!("xor ebp, ebp", "and rsp, -16", "call {main}", "ud2", main = sym main)
}

/// `run` returns 0 when all went as it should, otherwise the number of the step that went wrong.
extern "C" fn main() -> ! {
    if let Err(step) = crate::run() {
        exit(step)
    }
    print(b"opened, conversed and closed\n");
    exit(0)
}

fn exit(status: i32) -> ! {
    // SAFETY: exit_group(status) doesn't return and touches no memory of ours.
    unsafe { asm!("syscall", in("rax") 231, in("rdi") status, options(noreturn, nostack)) }
}

/// Writes to standard output.
fn print(text: &[u8]) {
    // SAFETY: write(1, …) reads the octets of `text`; the kernel overwrites rcx and r11.
    unsafe {
        asm!("syscall", inlateout("rax") 1_isize => _, in("rdi") 1, in("rsi") text.as_ptr(),
            in("rdx") text.len(), lateout("rcx") _, lateout("r11") _, options(readonly, nostack));
    }
}

/// On linux-gnu the C library is expected to bring these. In assembly, or read as volatile, because
/// the compiler turns a plain loop into a call of the very function that it is in.
mod memory {
    use core::arch::asm;

    // SAFETY of all: the contracts are those of C; the direction flag is clear between functions.

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
        unsafe {
            asm!("rep movsb", inout("rcx") n => _, inout("rdi") to => _, inout("rsi") from => _,
                options(nostack, preserves_flags));
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
        // Wraps where `to` is below `from`: then forwards is right, too.
        if to.addr().wrapping_sub(from.addr()) >= n {
            return unsafe { memcpy(to, from, n) };
        }
        // Here n > 0, as nothing is below 0: the last octets exist.
        unsafe {
            asm!("std", "rep movsb", "cld", inout("rcx") n => _, inout("rdi") to.add(n - 1) => _,
                inout("rsi") from.add(n - 1) => _, options(nostack));
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memset(to: *mut u8, octet: i32, n: usize) -> *mut u8 {
        unsafe {
            asm!("rep stosb", inout("rcx") n => _, inout("rdi") to => _, in("al") octet as u8,
                options(nostack, preserves_flags));
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
        for i in 0..n {
            let (x, y) = unsafe { (a.add(i).read_volatile(), b.add(i).read_volatile()) };
            if x != y {
                return i32::from(x) - i32::from(y);
            }
        }
        0
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
        unsafe { memcmp(a, b, n) }
    }
}
