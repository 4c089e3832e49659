
/// Chooses the mutant of this run: by the variable `MUTANT`, a number; 0, or none, is the original. With the variable
/// `MUTANTS_REACHED`, the name of a file, the process adds to that file, as it ends, which of them it asked about.
#[doc(hidden)]
#[allow(missing_docs, unsafe_code)]
pub mod mutant {
    extern crate std;
    use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    use std::io::Write as _;

    /// One more than the highest number of a mutant.
    const NUMBERS: usize = 8192;

    static CHOSEN: AtomicU32 = AtomicU32::new(u32::MAX);
    static REACHED: [AtomicBool; NUMBERS] = [const { AtomicBool::new(false) }; NUMBERS];
    static FILE: std::sync::OnceLock<std::ffi::OsString> = std::sync::OnceLock::new();

    /// Runs before `main`: to look at a variable allocates, and tests count allocations.
    #[used]
    #[unsafe(link_section = ".init_array")]
    static CHOOSE: extern "C" fn() = choose;

    /// Runs after `main`, and when the process ends by `exit`; not when it aborts.
    #[used]
    #[unsafe(link_section = ".fini_array")]
    static TELL: extern "C" fn() = tell;

    extern "C" fn choose() {
        let named = std::env::var("MUTANT").ok().and_then(|text| text.parse().ok());
        CHOSEN.store(named.unwrap_or(0), Ordering::Relaxed);
        if let Some(file) = std::env::var_os("MUTANTS_REACHED") {
            FILE.get_or_init(|| file);
        }
    }

    /// An octet for each number: 1 where it was asked about.
    extern "C" fn tell() {
        let Some(file) = FILE.get() else { return };
        let mut octets = [0; NUMBERS];
        for (octet, reached) in octets.iter_mut().zip(&REACHED) {
            *octet = u8::from(reached.load(Ordering::Relaxed));
        }
        std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(file)
            .and_then(|mut file| file.write_all(&octets))
            .expect("room for what was reached");
    }

    const fn in_constants(_number: u32) -> bool {
        false
    }

    fn at_run_time(number: u32) -> bool {
        let chosen = CHOSEN.load(Ordering::Relaxed);
        assert_ne!(chosen, u32::MAX, "nothing was chosen");
        if FILE.get().is_some() {
            REACHED[number as usize].store(true, Ordering::Relaxed);
        }
        chosen == number && number != 0
    }

    #[inline]
    pub const fn on(number: u32) -> bool {
        core::intrinsics::const_eval_select((number,), in_constants, at_run_time)
    }
}
