//! The two buffers that the caller lends to the machine.
//!
//! Both stand on a [`Storage`]: a `Vec<u8>` that grows, an array, or a slice. All octets of a storage
//! are initialised at all times, so that no `unsafe` is needed to lend them to a reader.
//!
//! ```
//! use websocket_proto::{RecvBuffer, SendBuffer};
//!
//! let mut fixed = [0; 512];
//! let mut rx = RecvBuffer::with_storage(&mut fixed[..]);
//! let tx = SendBuffer::with_storage([0; 512]);
//! rx.extend(b"octets from somewhere").unwrap();
//! assert_eq!(rx.len(), 21);
//! assert!(tx.is_empty());
//! ```

mod judged;
mod recv;
mod send;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
mod shared;
mod window;

pub(crate) use judged::Joined;
pub use recv::RecvBuffer;
pub(crate) use send::Output;
pub use send::{DEFAULT_SEND_LIMIT, SendBuffer};
pub(crate) use window::Window;

/// A fixed storage has no room left, or a limit would be passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl core::fmt::Display for Full {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the buffer is full")
    }
}

impl core::error::Error for Full {}

/// Memory for a buffer: initialised octets, and perhaps a way to get more.
pub trait Storage: AsRef<[u8]> + AsMut<[u8]> {
    /// Makes the storage at least `len` octets long, keeping what it holds; new octets are zero.
    ///
    /// # Errors
    /// [`Full`] where it can't be that long. The storage is as before.
    fn grow(&mut self, len: usize) -> Result<(), Full>;

    /// The greatest length that [`grow`](Self::grow) can give.
    fn max_len(&self) -> usize;

    /// Gives memory back where it can, down to `len` octets, keeping the first `len`.
    fn shrink(&mut self, len: usize);

    /// Whether octets are known to stay as they are until somebody changes them. Only of the storages of
    /// this crate: what another one does is its own affair, and no text is lent from it that wasn't judged
    /// as it is lent.
    #[doc(hidden)]
    fn keeps(&self, _: known::Storages) -> bool {
        false
    }
}

/// A type that can't be named outside of the crate, so that `keeps` can't be given there.
mod known {
    #[derive(Clone, Copy, Debug)]
    pub struct Storages;
}

impl<const N: usize> Storage for [u8; N] {
    fn grow(&mut self, len: usize) -> Result<(), Full> {
        if len <= N { Ok(()) } else { Err(Full) }
    }

    fn max_len(&self) -> usize {
        N
    }

    fn shrink(&mut self, _len: usize) {}

    fn keeps(&self, _: known::Storages) -> bool {
        true
    }
}

impl Storage for &mut [u8] {
    fn grow(&mut self, len: usize) -> Result<(), Full> {
        if len <= <[u8]>::len(self) {
            Ok(())
        } else {
            Err(Full)
        }
    }

    fn max_len(&self) -> usize {
        <[u8]>::len(self)
    }

    fn shrink(&mut self, _len: usize) {}

    fn keeps(&self, _: known::Storages) -> bool {
        true
    }
}

#[cfg(feature = "alloc")]
impl Storage for alloc::vec::Vec<u8> {
    fn grow(&mut self, len: usize) -> Result<(), Full> {
        if len > self.len() {
            // Exactly this much: the buffers decide how far ahead they grow. Nothing needs to be
            // copied by the allocator where the memory can be extended in place.
            self.try_reserve_exact(len - self.len()).map_err(|_| Full)?;
            self.resize(len, 0);
        }
        Ok(())
    }

    fn max_len(&self) -> usize {
        isize::MAX as usize
    }

    fn shrink(&mut self, len: usize) {
        self.truncate(len);
        self.shrink_to_fit();
    }

    fn keeps(&self, _: known::Storages) -> bool {
        true
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;

    /// A storage of somebody else's, which says nothing of itself.
    struct Foreign([u8; 4]);

    impl AsRef<[u8]> for Foreign {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl AsMut<[u8]> for Foreign {
        fn as_mut(&mut self) -> &mut [u8] {
            &mut self.0
        }
    }

    impl Storage for Foreign {
        fn grow(&mut self, len: usize) -> Result<(), Full> {
            self.0.grow(len)
        }

        fn max_len(&self) -> usize {
            4
        }

        fn shrink(&mut self, _len: usize) {}
    }

    #[test]
    fn only_the_storages_of_this_crate_are_known_to_keep_what_they_are_given() {
        assert!([0; 4].keeps(known::Storages));
        assert!(<&mut [u8]>::keeps(&&mut [0; 4][..], known::Storages));
        assert!(alloc::vec![0; 4].keeps(known::Storages));
        assert!(!Foreign([0; 4]).keeps(known::Storages));
    }

    #[test]
    fn a_text_that_was_judged_as_it_came_is_known_in_a_storage_that_keeps_it() {
        fn is_known<B: Storage>(storage: B) -> bool {
            let mut rx = RecvBuffer::with_storage(storage);
            rx.extend(b"text").unwrap();
            let mut window = rx.window();
            let judge = |octets: &mut [u8], _, text: Option<&mut crate::utf8::Utf8Validator>| {
                text.unwrap().validate(octets)
            };
            window.join(4).make(true, judge).unwrap();
            assert!(!window.is_text(3), "not where something is left behind it");
            window.is_text(4)
        }
        assert!(is_known([0; 4]));
        assert!(is_known(&mut [0; 4][..]));
        assert!(is_known(alloc::vec::Vec::new()));
        assert!(!is_known(Foreign([0; 4])));
    }
}
