
/// Chooses the mutant of this run: by the variable `MUTANT`, a number; 0, or none, is the original.
#[doc(hidden)]
#[allow(missing_docs, unsafe_code)]
pub mod mutant {
    extern crate std;
    use core::sync::atomic::{AtomicU32, Ordering};

    static CHOSEN: AtomicU32 = AtomicU32::new(u32::MAX);

    /// Runs before `main`: to look at a variable allocates, and tests count allocations.
    #[used]
    #[unsafe(link_section = ".init_array")]
    static CHOOSE: extern "C" fn() = choose;

    extern "C" fn choose() {
        let named = std::env::var("MUTANT").ok().and_then(|text| text.parse().ok());
        CHOSEN.store(named.unwrap_or(0), Ordering::Relaxed);
    }

    const fn in_constants(_number: u32) -> bool {
        false
    }

    fn at_run_time(number: u32) -> bool {
        let chosen = CHOSEN.load(Ordering::Relaxed);
        assert_ne!(chosen, u32::MAX, "nothing was chosen");
        chosen == number && number != 0
    }

    #[inline]
    pub const fn on(number: u32) -> bool {
        core::intrinsics::const_eval_select((number,), in_constants, at_run_time)
    }
}
