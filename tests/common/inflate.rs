//! Inflating, the plain way (RFC 1951): one bit after the other, nothing shared with any codec.

/// What has been inflated of a stream, and how far back it referred at most.
#[derive(Default)]
pub struct Inflated {
    pub octets: Vec<u8>,
    pub longest_distance: usize,
    /// Blocks that called themselves the last.
    pub last_blocks: usize,
}

struct Bits<'a> {
    octets: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn one(&mut self) -> usize {
        let bit = self.octets[self.at / 8] >> (self.at % 8) & 1;
        self.at += 1;
        bit.into()
    }

    fn number(&mut self, bits: usize) -> usize {
        (0..bits).map(|place| self.one() << place).sum()
    }

    fn align(&mut self) {
        self.at = self.at.div_ceil(8) * 8;
    }
}

/// How many codes there are of each length, and their symbols in order.
struct Codes {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

/// RFC 1951 §3.2.2.
fn codes(lengths: &[usize]) -> Codes {
    let mut counts = [0; 16];
    let mut symbols = Vec::new();
    for (length, count) in counts.iter_mut().enumerate().skip(1) {
        let own = (0..lengths.len()).filter(|symbol| lengths[*symbol] == length);
        let before = symbols.len();
        symbols.extend(own);
        *count = symbols.len() - before;
    }
    Codes { counts, symbols }
}

fn symbol(bits: &mut Bits<'_>, codes: &Codes) -> usize {
    // Among those of one length, codes follow one another; `first` is where they begin.
    let (mut code, mut first, mut before) = (0, 0, 0);
    for count in &codes.counts[1..] {
        code = code << 1 | bits.one();
        first <<= 1;
        if code < first + count {
            return codes.symbols[before + code - first];
        }
        first += count;
        before += count;
    }
    panic!("no such code");
}

/// RFC 1951 §3.2.7.
fn dynamic(bits: &mut Bits<'_>) -> (Codes, Codes) {
    let (literals, distances) = (bits.number(5) + 257, bits.number(5) + 1);
    let mut lengths = [0; 19];
    let count = bits.number(4) + 4;
    let order = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ];
    for place in &order[..count] {
        lengths[*place] = bits.number(3);
    }
    let code_lengths = codes(&lengths);
    let mut all = Vec::new();
    while all.len() < literals + distances {
        let (value, times) = match symbol(bits, &code_lengths) {
            16 => (*all.last().unwrap(), 3 + bits.number(2)),
            17 => (0, 3 + bits.number(3)),
            18 => (0, 11 + bits.number(7)),
            length => (length, 1),
        };
        all.extend(std::iter::repeat_n(value, times));
    }
    (codes(&all[..literals]), codes(&all[literals..]))
}

/// RFC 1951 §3.2.6.
fn fixed() -> (Codes, Codes) {
    let lengths: Vec<usize> = (0..288)
        .map(|symbol| match symbol {
            0..=143 => 8,
            144..=255 => 9,
            256..=279 => 7,
            _ => 8,
        })
        .collect();
    (codes(&lengths), codes(&[5; 30]))
}

impl Inflated {
    /// Takes one message of a stream, as it stood on the wire: without its tail (RFC 7692 §7.2.2).
    pub fn message(&mut self, octets: &[u8]) -> Vec<u8> {
        let from = self.octets.len();
        let whole = [octets, &[0, 0, 0xFF, 0xFF]].concat();
        let mut bits = Bits {
            octets: &whole,
            at: 0,
        };
        while bits.at < whole.len() * 8 {
            self.block(&mut bits);
            if whole.len() * 8 - bits.at < 8 {
                break;
            }
        }
        self.octets[from..].to_vec()
    }

    fn block(&mut self, bits: &mut Bits<'_>) {
        self.last_blocks += bits.one();
        let (literals, distances) = match bits.number(2) {
            0 => {
                bits.align();
                let (length, check) = (bits.number(16), bits.number(16));
                assert_eq!(length ^ check, 0xFFFF);
                for _ in 0..length {
                    let octet = bits.number(8);
                    self.octets.push(octet as u8);
                }
                return;
            }
            1 => fixed(),
            2 => dynamic(bits),
            _ => panic!("no such block"),
        };
        loop {
            match symbol(bits, &literals) {
                256 => return,
                literal @ 0..=255 => self.octets.push(literal as u8),
                length => {
                    let length = match length {
                        285 => 258,
                        257..=264 => length - 254,
                        _ => {
                            let extra = (length - 261) / 4;
                            let base = (((length - 265) % 4 + 4) << extra) + 3;
                            base + bits.number(extra)
                        }
                    };
                    let distance = match symbol(bits, &distances) {
                        short @ 0..=3 => short + 1,
                        long => {
                            let extra = long / 2 - 1;
                            ((long % 2 + 2) << extra) + 1 + bits.number(extra)
                        }
                    };
                    self.longest_distance = self.longest_distance.max(distance);
                    for _ in 0..length {
                        let octet = self.octets[self.octets.len() - distance];
                        self.octets.push(octet);
                    }
                }
            }
        }
    }
}
