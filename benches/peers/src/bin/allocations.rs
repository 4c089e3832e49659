//! Allocations a message: `allocations [ROWS]`. A program of its own, as counting costs time.

use websocket_peers::allocations::Counting;
use websocket_peers::run::{self, Options};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let rows = std::env::args().nth(1).unwrap_or_default();
    let options = Options {
        rows,
        ..Options::default()
    };
    print!("{}", run::allocations(&options).everything());
}
