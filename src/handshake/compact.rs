//! SHA-1 (RFC 3174) and base64 (RFC 4648 §4) for the keys of the handshake, in little code.
//!
//! Programs without an allocator use these, and no others: there the crates, which are made for speed, would
//! be 4 KB of code, one octet in six of all that is linked. RFC 6455 §10.8: nothing rests on the security of
//! the hash. The tests compare both with the crates.

/// The hash of these parts, one behind the other.
pub(super) fn sha1(parts: [&[u8]; 2]) -> [u8; 20] {
    let mut hash = Hash {
        state: [
            0x6745_2301,
            0xEFCD_AB89,
            0x98BA_DCFE,
            0x1032_5476,
            0xC3D2_E1F0,
        ],
        block: [0; 64],
        filled: 0,
    };
    let mut bits = 0_u64;
    for part in &parts {
        hash.put(part);
        bits = bits.wrapping_add((part.len() as u64).wrapping_mul(8));
    }
    // A one bit behind the text, then zeros, so that the length ends a block.
    hash.put(&[0x80]);
    while hash.filled != 56 {
        hash.put(&[0]);
    }
    hash.put(&bits.to_be_bytes());
    let mut digest = [0; 20];
    for (octets, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(&hash.state) {
        *octets = word.to_be_bytes();
    }
    digest
}

type State = [u32; 5];

struct Hash {
    state: State,
    block: [u8; 64],
    /// How much of the block, always less than all.
    filled: usize,
}

impl Hash {
    fn put(&mut self, octets: &[u8]) {
        for octet in octets {
            if let Some(place) = self.block.get_mut(self.filled) {
                *place = *octet;
            }
            self.filled = self.filled.wrapping_add(1) % 64;
            if self.filled == 0 {
                self.compress();
            }
        }
    }

    /// Takes the block (RFC 3174 §6.1).
    fn compress(&mut self) {
        let mut words = [0; 80];
        for (word, octets) in words.iter_mut().zip(self.block.as_chunks::<4>().0) {
            *word = u32::from_be_bytes(*octets);
        }
        for at in 0..64 {
            let (_, rest) = words.split_at_mut(at);
            if let [a, _, c, _, _, _, _, _, i, _, _, _, _, n, _, _, next, ..] = rest {
                *next = (*a ^ *c ^ *i ^ *n).rotate_left(1);
            }
        }
        let [mut a, mut b, mut c, mut d, mut e] = self.state;
        // Twenty rounds each: a constant, and how three words are mixed (§5).
        for (turn, words) in words.as_chunks::<20>().0.iter().enumerate() {
            let constant = match turn {
                0 => 0x5A82_7999_u32,
                1 => 0x6ED9_EBA1,
                2 => 0x8F1B_BCDC,
                _ => 0xCA62_C1D6,
            };
            for word in words {
                let mixed = match turn {
                    0 => d ^ (b & (c ^ d)),
                    2 => (b & c) | (d & (b | c)),
                    _ => b ^ c ^ d,
                };
                let sum = constant.wrapping_add(*word).wrapping_add(e);
                (e, d, c, b) = (d, c, b.rotate_left(30), a);
                a = a.rotate_left(5).wrapping_add(mixed).wrapping_add(sum);
            }
        }
        for (word, added) in self.state.iter_mut().zip(&[a, b, c, d, e]) {
            *word = word.wrapping_add(*added);
        }
    }
}

/// Writes the base64 of octets into a text that is exactly as long as that takes, and full of `=`.
pub(super) fn encode_into(octets: &[u8], text: &mut [u8]) {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (group, text) in octets.chunks(3).zip(text.as_chunks_mut::<4>().0) {
        let mut bits = [0; 4];
        for (bits, octet) in bits.iter_mut().skip(1).zip(group) {
            *bits = *octet;
        }
        // The first six bits come first. A group of n octets takes n + 1 digits.
        let mut bits = u32::from_be_bytes(bits).rotate_left(14);
        for place in text.iter_mut().take(group.len().saturating_add(1)) {
            *place = digits.get((bits & 63) as usize).copied().unwrap_or(b'=');
            bits = bits.rotate_left(6);
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    fn sha1_of_crate(octets: &[u8]) -> [u8; 20] {
        sha1_smol::Sha1::from(octets).digest().bytes()
    }

    #[test]
    fn the_hash_is_that_of_rfc_3174() {
        let hash = sha1([b"ab", b"c"]);
        let expected =
            b"\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d";
        assert_eq!(&hash, expected);
    }

    #[test]
    fn every_length_is_padded_as_the_crate_does() {
        let octets: [u8; 200] = core::array::from_fn(|at| at as u8);
        for length in 0..=octets.len() {
            let (octets, _) = octets.split_at(length);
            assert_eq!(sha1([octets, b""]), sha1_of_crate(octets), "{length}");
        }
    }

    proptest! {
        #[test]
        fn the_hash_is_that_of_the_crate(
            octets in proptest::collection::vec(any::<u8>(), 0..400),
            cut in any::<proptest::sample::Index>(),
        ) {
            let (one, two) = octets.split_at(cut.index(octets.len() + 1));
            prop_assert_eq!(sha1([one, two]), sha1_of_crate(&octets));
        }

        #[test]
        fn the_text_is_that_of_the_crate(octets in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut expected = [0; 136];
            let length = STANDARD.encode_slice(&octets, &mut expected).unwrap();
            let mut text = [b'='; 136];
            encode_into(&octets, &mut text[..length]);
            prop_assert_eq!(&text[..length], &expected[..length]);
        }
    }
}
