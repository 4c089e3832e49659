//! What the program proves: it uses the crate without std and without an allocator.

use websocket_proto as _;

/// 0 when all went as it should, otherwise the number of the step that went wrong.
pub(crate) fn run() -> i32 {
    crate::print(b"linked\n");
    0
}
