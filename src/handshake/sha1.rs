//! SHA-1 (RFC 3174), for the proof that a server understood the key. RFC 6455 §10.8: nothing rests on its
//! security.
//!
//! A few lines that loop, for programs without an allocator: there a crate made for speed would be 4 KB of
//! code, one octet in eight of all that is linked.

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

#[cfg(test)]
mod tests {
    use super::*;

    const fn hex(text: &[u8; 40]) -> [u8; 20] {
        let mut octets = [0; 20];
        let mut at = 0;
        while at < 40 {
            let digit = (text[at] as char).to_digit(16).unwrap() as u8;
            octets[at / 2] = octets[at / 2] << 4 | digit;
            at += 1;
        }
        octets
    }

    #[test]
    fn the_hashes_are_those_of_rfc_3174() {
        for (parts, expected) in [
            (
                [&b"abc"[..], b""],
                hex(b"a9993e364706816aba3e25717850c26c9cd0d89d"),
            ),
            ([b"", b""], hex(b"da39a3ee5e6b4b0d3255bfef95601890afd80709")),
            (
                [
                    b"abcdbcdecdefdefgefghfghighij",
                    b"hijkijkljklmklmnlmnomnopnopq",
                ],
                hex(b"84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
            ),
            (
                [b"a", b""],
                hex(b"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
            ),
        ] {
            assert_eq!(sha1(parts), expected, "{parts:?}");
        }
        let eighty =
            b"01234567012345670123456701234567012345670123456701234567012345670123456701234567";
        let mut longer = [0; 640];
        for part in longer.chunks_mut(80) {
            part.copy_from_slice(eighty);
        }
        assert_eq!(
            sha1([&longer, b""]),
            hex(b"dea356a2cddd90c7a7ecedc5ebb563934f460452")
        );
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn the_hashes_are_those_of_the_quick_way() {
        let text: alloc::vec::Vec<u8> = (0..200).collect();
        for length in 0..=text.len() {
            let expected = sha1_smol::Sha1::from(&text[..length]).digest().bytes();
            assert_eq!(sha1([&text[..length], b""]), expected, "{length}");
        }
    }

    #[test]
    fn a_text_of_any_length_may_be_cut_anywhere() {
        let text = [b'a'; 200];
        for length in 0..=text.len() {
            let whole = sha1([&text[..length], b""]);
            assert_eq!(sha1([b"", &text[..length]]), whole);
            let (one, two) = text[..length].split_at(length / 3);
            assert_eq!(sha1([one, two]), whole, "{length}");
        }
    }
}
