//! The ground under `run`: where a Cortex-M4 starts, and how the program talks to the emulator
//! (semihosting: ARM's document "Semihosting for AArch32 and AArch64").

use core::arch::asm;

/// Exit status of a panic or a fault; `run` returns others.
const PANICKED: u32 = 101;

/// The first of the memory: the stack's top, then the handlers.
#[repr(C)]
struct Vectors {
    stack: usize,
    handlers: [unsafe extern "C" fn() -> !; 15],
}

#[used]
#[unsafe(link_section = ".vectors")]
static VECTORS: Vectors = Vectors {
    stack: 0x2040_0000,
    handlers: {
        let mut handlers = [fault as unsafe extern "C" fn() -> !; 15];
        handlers[0] = reset;
        handlers
    },
};

#[unsafe(no_mangle)]
unsafe extern "C" fn reset() -> ! {
    match crate::run() {
        Ok(()) => {
            ask(WRITE0, c"opened, conversed and closed\n".as_ptr().addr());
            exit(0)
        }
        Err(step) => exit(step as u32),
    }
}

unsafe extern "C" fn fault() -> ! {
    exit(PANICKED)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(PANICKED)
}

const WRITE0: usize = 0x04;
const EXIT_EXTENDED: usize = 0x20;
const APPLICATION_EXIT: u32 = 0x2_0026;

fn exit(status: u32) -> ! {
    let reason = [APPLICATION_EXIT, status];
    ask(EXIT_EXTENDED, reason.as_ptr().addr());
    loop {}
}

/// Asks the host. What `argument` points to has to be there.
fn ask(operation: usize, argument: usize) {
    // SAFETY: the host reads what the argument points to, and answers in r0.
    unsafe {
        asm!("bkpt #0xab", inout("r0") operation => _, in("r1") argument, options(nostack));
    }
}
