
/// Chooses the mutant of this run: by the variable `MUTANT`, a number; 0, or none, is the original.
#[doc(hidden)]
#[allow(missing_docs)]
pub mod mutant {
    extern crate std;
    use core::sync::atomic::{AtomicU32, Ordering};

    static CHOSEN: AtomicU32 = AtomicU32::new(u32::MAX);

    const fn in_constants(_number: u32) -> bool {
        false
    }

    fn at_run_time(number: u32) -> bool {
        let chosen = CHOSEN.load(Ordering::Relaxed);
        if chosen == u32::MAX {
            let named = std::env::var("MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
            CHOSEN.store(named, Ordering::Relaxed);
            return named == number && number != 0;
        }
        chosen == number && number != 0
    }

    #[inline]
    pub const fn on(number: u32) -> bool {
        core::intrinsics::const_eval_select((number,), in_constants, at_run_time)
    }
}
