//! The send buffer: whole frames in the order in which they go out.
//!
//! The automatic Pongs of a handful of Pings wait in it one behind the other. Where they become many, or
//! something else was queued behind them, they are taken out again for the newest, which then waits alone,
//! unless the transport has begun to write them (RFC 6455 §5.5.3 asks for an answer to the newest Ping
//! only). What is moved then is what was queued since, so that the work stays linear.
//!
//! Frames that go to many connections are not copied: they stand in the buffer as shared memory.

#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
use super::shared::SharedFrames;
use super::{Full, Storage};

/// The default limit of a send buffer that grows: 16 MiB.
pub const DEFAULT_SEND_LIMIT: usize = 16 << 20;

/// The usual cases have a short way; without an allocator, where room is short, none has.
const QUICK: bool = cfg!(feature = "alloc");

/// How many octets of automatic Pongs wait before the newest takes their place.
const MOST_PONGS: usize = 256;

/// The least room that a growing buffer makes.
const LEAST: usize = 512;

/// Octets for the peer: the machine queues frames in it, the transport writes them.
#[derive(Clone, Debug)]
pub struct SendBuffer<B> {
    storage: B,
    /// What waits is `start..end`.
    start: usize,
    end: usize,
    limit: usize,
    /// Frames that other buffers hold, too, among the storage's octets.
    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
    shared: Option<alloc::boxed::Box<SharedFrames>>,
    /// Where the automatic Pongs wait that can still be taken out again, one behind the other.
    pongs: u32,
    pongs_len: u16,
    /// There were many: the newest Pong takes the place of another, until one has been written.
    crowded: bool,
}

#[cfg(feature = "alloc")]
impl Default for SendBuffer<alloc::vec::Vec<u8>> {
    /// As [`new`](Self::new).
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "alloc")]
impl SendBuffer<alloc::vec::Vec<u8>> {
    /// An empty buffer that grows up to [`DEFAULT_SEND_LIMIT`].
    #[must_use]
    pub const fn new() -> Self {
        Self::with_limit(DEFAULT_SEND_LIMIT)
    }

    /// An empty buffer that grows up to `limit` octets. Automatic replies may pass it, by less
    /// than 1 KiB.
    #[must_use]
    pub const fn with_limit(limit: usize) -> Self {
        Self {
            storage: alloc::vec::Vec::new(),
            start: 0,
            end: 0,
            limit,
            #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
            shared: None,
            pongs: 0,
            pongs_len: 0,
            crowded: false,
        }
    }

    /// Makes the buffer grow up to `limit` octets from now on: for one that goes from connection to
    /// connection.
    pub const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Gives back the memory beyond what waits: all of it where nothing does.
    pub fn release(&mut self) {
        self.compact();
        self.storage.shrink(self.end);
    }
}

impl<B: Storage> SendBuffer<B> {
    /// An empty buffer over this storage. What can be sent has to fit, header included; automatic
    /// replies need 131 octets, and the answer to an opening request about 160.
    #[must_use]
    pub fn with_storage(storage: B) -> Self {
        Self {
            limit: storage.max_len(),
            storage,
            start: 0,
            end: 0,
            #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
            shared: None,
            pongs: 0,
            pongs_len: 0,
            crowded: false,
        }
    }

    /// What is to be written next: all that waits, or all up to a shared frame, or what is left of that.
    /// Empty only where nothing waits.
    #[must_use]
    #[inline]
    pub fn octets(&self) -> &[u8] {
        #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
        if let Some(shared) = &self.shared {
            return shared.pieces(self.own()).next().unwrap_or_default();
        }
        self.own()
    }

    /// All that waits, in order and in pieces, none of them empty: for a vectored write. There is more
    /// than one only where frames are shared ([`send_shared`](crate::Connection::send_shared)).
    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let none = self.shared.is_none() && !self.own().is_empty();
        let shared = self.shared.as_deref();
        let pieces = shared.map(|shared| shared.pieces(self.own()));
        none.then(|| self.own())
            .into_iter()
            .chain(pieces.into_iter().flatten())
    }

    /// What waits in the storage.
    #[inline]
    fn own(&self) -> &[u8] {
        self.storage
            .as_ref()
            .get(self.start..self.end)
            .unwrap_or_default()
    }

    /// How many octets wait: what a browser calls `bufferedAmount`, headers included.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        let own = self.end - self.start;
        #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
        if let Some(shared) = &self.shared {
            return own + shared.len();
        }
        own
    }

    /// Whether shared frames wait.
    #[inline(always)]
    const fn is_shared(&self) -> bool {
        #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
        return self.shared.is_some();
        #[cfg(not(all(feature = "alloc", target_has_atomic = "ptr")))]
        false
    }

    /// Whether nothing waits.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a frame that others hold, too, behind all that waits.
    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
    pub(crate) fn push_shared(&mut self, frame: alloc::sync::Arc<[u8]>) -> Result<(), Full> {
        if frame.len() > self.limit.saturating_sub(self.len()) {
            return Err(Full);
        }
        // What stands before a shared frame keeps its place.
        self.pongs_len = 0;
        self.crowded = false;
        let own = self.end - self.start;
        self.shared.get_or_insert_default().push(frame, own);
        Ok(())
    }

    /// The transport has written the first `count` octets.
    ///
    /// # Panics
    /// When `count` is more than what waits.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        // The usual case at once: all of it. No Pong is left to be taken back then.
        if QUICK && !self.is_shared() && count == self.end - self.start {
            self.start = 0;
            self.end = 0;
            self.pongs_len = 0;
            self.crowded = false;
            return;
        }
        self.consume_any(count);
    }

    #[cfg_attr(feature = "alloc", inline(never))]
    fn consume_any(&mut self, count: usize) {
        assert!(count <= self.len(), "more consumed than was waiting");
        self.start += self.consume_shared(count);
        if self.start > self.pongs as usize {
            // The first Pong is being written, or has been: they can't be taken back any more.
            self.pongs_len = 0;
            self.crowded = false;
        }
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// How many of the first `count` octets are the storage's own; the others are let go.
    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
    #[inline]
    fn consume_shared(&mut self, count: usize) -> usize {
        let Some(shared) = &mut self.shared else {
            return count;
        };
        let own = shared.consume(count);
        if shared.is_empty() {
            self.shared = None;
        }
        own
    }

    #[cfg(not(all(feature = "alloc", target_has_atomic = "ptr")))]
    #[inline]
    fn consume_shared(&mut self, count: usize) -> usize {
        count
    }

    /// How long the storage is: what waits in it, and the room for more.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.storage.as_ref().len()
    }

    /// Queues octets as they are: the header of a message that was made apart, or what is left of its
    /// payload (see [`send_apart`](crate::Connection::send_apart)).
    ///
    /// # Errors
    /// [`Full`] where they would pass the limit, or don't fit a fixed storage. None is taken.
    pub fn extend(&mut self, octets: &[u8]) -> Result<(), Full> {
        self.reserve(octets.len())?.copy_from_slice(octets);
        Ok(())
    }

    /// Forgets what waits: the transport can't write any more.
    pub fn clear(&mut self) {
        self.consume(self.len());
    }

    /// Room for `count` octets at the end, which count as waiting from now on.
    #[inline]
    pub(crate) fn reserve(&mut self, count: usize) -> Result<&mut [u8], Full> {
        if count > self.limit.saturating_sub(self.len()) {
            return Err(Full);
        }
        self.extend_by(count)
    }

    /// The short way of [`reserve`](Self::reserve), for little: `None` says nothing but that the other way has
    /// to be gone. What was written already counts against the limit here, which spares a look at it.
    #[inline(always)]
    pub(crate) fn reserve_short(&mut self, count: usize) -> Option<&mut [u8]> {
        let end = self.end + count;
        if self.is_shared() || end > self.limit {
            return None;
        }
        let room = self.storage.as_mut().get_mut(self.end..end)?;
        self.end = end;
        Some(room)
    }

    /// Takes the last `count` octets of what was reserved back.
    pub(crate) fn take_back(&mut self, count: usize) {
        debug_assert!(count <= self.end - self.start);
        self.end -= count;
    }

    #[inline]
    fn extend_by(&mut self, count: usize) -> Result<&mut [u8], Full> {
        if self.storage.as_ref().len() - self.end < count {
            self.make_room(count)?;
        }
        let start = self.end;
        self.end += count;
        self.storage.as_mut().get_mut(start..self.end).ok_or(Full)
    }

    #[cold]
    fn make_room(&mut self, count: usize) -> Result<(), Full> {
        let waiting = self.end - self.start;
        let needed = waiting.checked_add(count).ok_or(Full)?;
        let held = self.storage.as_ref().len();
        // Moving is worth it where it makes room for as much as it moves; otherwise growing is, and
        // where the storage can't grow there is no choice.
        if needed <= held && (self.start >= waiting || held == self.storage.max_len()) {
            self.compact();
            return Ok(());
        }
        if needed > self.storage.max_len() {
            return Err(Full);
        }
        self.compact();
        let len = needed.max(held.saturating_mul(2)).max(LEAST);
        self.storage
            .grow(len.min(self.storage.max_len()))
            .or_else(|_| self.storage.grow(needed))
    }

    fn compact(&mut self) {
        if self.start != 0 {
            self.storage.as_mut().copy_within(self.start..self.end, 0);
            let moved = u32::try_from(self.start).unwrap_or(u32::MAX);
            self.pongs = self.pongs.saturating_sub(moved);
            self.end -= self.start;
            self.start = 0;
        }
    }

    /// Takes the automatic Pongs out again, where they wait untouched.
    fn withdraw_pongs(&mut self) {
        let (start, len) = (self.pongs as usize, usize::from(self.pongs_len));
        if len != 0 {
            self.storage
                .as_mut()
                .copy_within(start + len..self.end, start);
            self.end -= len;
            self.pongs_len = 0;
        }
    }

    /// Whether a Pong of `count` octets goes behind those that wait. (Where none do, it makes no
    /// difference.)
    fn joins_pongs(&self, count: usize) -> bool {
        let len = usize::from(self.pongs_len);
        !self.crowded && self.pongs as usize + len == self.end && len + count <= MOST_PONGS
    }
}

/// What the machine needs of a send buffer for its automatic replies, whatever the storage.
pub(crate) trait Output {
    /// Whether an automatic reply of up to `count` octets fits. A limit does not bind them, a storage
    /// of fixed size does.
    fn has_room(&self, count: usize) -> bool;

    /// Whether nothing waits.
    fn is_empty(&self) -> bool;

    /// Room for an automatic reply.
    fn reply(&mut self, count: usize) -> Result<&mut [u8], Full>;

    /// Room for a Pong, behind a few that wait or in place of them.
    fn pong(&mut self, count: usize) -> Result<&mut [u8], Full>;
}

impl<B: Storage> Output for SendBuffer<B> {
    fn has_room(&self, count: usize) -> bool {
        count <= self.storage.max_len().saturating_sub(self.end - self.start)
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn reply(&mut self, count: usize) -> Result<&mut [u8], Full> {
        self.extend_by(count)
    }

    fn pong(&mut self, count: usize) -> Result<&mut [u8], Full> {
        if !self.joins_pongs(count) {
            self.crowded = self.pongs_len != 0;
            self.withdraw_pongs();
        }
        let before = self.end - self.start - usize::from(self.pongs_len);
        self.extend_by(count)?;
        // Making room may have moved what waits to the beginning. Beyond 4 GiB a Pong stays where it is.
        if let Ok(place) = u32::try_from(self.start + before) {
            self.pongs = place;
            self.pongs_len += u16::try_from(count).map_err(|_| Full)?;
        } else {
            self.pongs_len = 0;
        }
        let place = self.end - count..self.end;
        self.storage.as_mut().get_mut(place).ok_or(Full)
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    fn put<B: Storage>(tx: &mut SendBuffer<B>, octets: &[u8]) -> Result<(), Full> {
        tx.reserve(octets.len())?.copy_from_slice(octets);
        Ok(())
    }

    #[test]
    fn rule_50_a_newer_pong_takes_the_place_of_one_that_waits_before_something_else() {
        let mut tx = SendBuffer::new();
        put(&mut tx, b"one").unwrap();
        tx.pong(4).unwrap().copy_from_slice(b"PONG");
        put(&mut tx, b"two").unwrap();
        tx.pong(2).unwrap().copy_from_slice(b"po");
        put(&mut tx, b"three").unwrap();
        assert_eq!(tx.octets(), b"onetwopothree");
        tx.consume(7);
        tx.pong(4).unwrap().copy_from_slice(b"PONG");
        assert_eq!(tx.octets(), b"othreePONG", "one that is half written stays");
    }

    #[test]
    fn rule_50_a_few_pongs_wait_together_and_of_many_the_newest_alone() {
        let mut tx = SendBuffer::new();
        put(&mut tx, b"12345").unwrap();
        tx.consume(4);
        for _ in 0..MOST_PONGS / 8 {
            tx.pong(8).unwrap().copy_from_slice(b"one of 9");
        }
        assert_eq!(tx.len(), 1 + MOST_PONGS);
        tx.pong(4).unwrap().copy_from_slice(b"next");
        assert_eq!(tx.octets(), b"5next");
        tx.pong(6).unwrap().copy_from_slice(b"newest");
        assert_eq!(tx.octets(), b"5newest", "a flood doesn't pile up again");
        tx.consume(2);
        tx.pong(4).unwrap().copy_from_slice(b"PONG");
        tx.pong(4).unwrap().copy_from_slice(b"pong");
        assert_eq!(tx.octets(), b"ewestPONGpong");
    }

    #[test]
    fn a_limit_refuses_and_writes_nothing() {
        let mut tx = SendBuffer::with_limit(5);
        put(&mut tx, b"abc").unwrap();
        assert_eq!(put(&mut tx, b"def"), Err(Full));
        assert_eq!(tx.octets(), b"abc");
        put(&mut tx, b"de").unwrap();
        assert!(tx.has_room(100), "a limit does not bind replies");
    }

    #[test]
    fn the_short_way_leads_to_the_same_place_and_never_past_limit_or_storage() {
        let mut tx = SendBuffer::with_limit(5);
        assert!(tx.reserve_short(2).is_none(), "there is no storage yet");
        put(&mut tx, b"abc").unwrap();
        assert!(tx.reserve_short(3).is_none(), "the limit");
        tx.reserve_short(2).unwrap().copy_from_slice(b"de");
        assert_eq!(tx.octets(), b"abcde");
        assert_eq!(put(&mut tx, b"f"), Err(Full));

        let mut tx = SendBuffer::with_storage([0; 4]);
        put(&mut tx, b"abc").unwrap();
        assert!(tx.reserve_short(2).is_none(), "the storage");
        tx.reserve_short(1).unwrap().copy_from_slice(b"d");
        assert_eq!(tx.octets(), b"abcd");
    }

    #[cfg(target_has_atomic = "ptr")]
    #[test]
    fn the_short_way_does_not_lead_past_the_limit_where_frames_are_shared() {
        let mut tx = SendBuffer::with_limit(8);
        put(&mut tx, b"abc").unwrap();
        tx.push_shared(alloc::sync::Arc::from(&b"12345"[..]))
            .unwrap();
        assert!(tx.reserve_short(1).is_none());
        assert_eq!(put(&mut tx, b"d"), Err(Full));
    }

    #[test]
    fn a_fixed_storage_is_used_to_its_last_octet() {
        let mut tx = SendBuffer::with_storage([0; 8]);
        put(&mut tx, b"12345678").unwrap();
        assert!(!tx.has_room(1));
        tx.consume(3);
        put(&mut tx, b"abc").unwrap();
        assert_eq!(tx.octets(), b"45678abc");
        assert_eq!(put(&mut tx, b"d"), Err(Full));
    }

    #[test]
    #[should_panic(expected = "more consumed than was waiting")]
    fn more_than_waits_can_not_have_been_written() {
        let mut tx = SendBuffer::new();
        put(&mut tx, b"abcd").unwrap();
        tx.consume(2);
        tx.consume(6);
    }

    #[test]
    fn what_waits_moves_where_that_makes_as_much_room_as_it_moves() {
        let mut tx = SendBuffer::new();
        put(&mut tx, &[1; 1000]).unwrap();
        let held = tx.capacity();
        put(&mut tx, &vec![2; held - 1000]).unwrap();
        assert_eq!(tx.capacity(), held, "to its last octet");
        tx.consume(held / 2);
        put(&mut tx, &vec![3; held / 2]).unwrap();
        assert_eq!(tx.capacity(), held, "moved");
        tx.consume(1);
        put(&mut tx, b"4").unwrap();
        assert!(
            tx.capacity() >= 2 * held,
            "so much isn't moved for one octet"
        );
        let all = [
            &[1; 1000][..],
            &vec![2; held - 1000],
            &vec![3; held / 2],
            b"4",
        ]
        .concat();
        assert!(tx.octets() == &all[held / 2 + 1..]);
    }

    proptest::proptest! {
        /// What is done: how, and with how many octets.
        #[test]
        fn a_buffer_holds_what_a_queue_would(steps in proptest::collection::vec((0..4_u8, 0..700_usize), 1..60)) {
            let mut tx = SendBuffer::with_limit(4096);
            let mut queue: Vec<u8> = Vec::new();
            for (at, (how, count)) in steps.into_iter().enumerate() {
                let octets = vec![at as u8; count];
                let fits = queue.len() + count <= 4096;
                match how {
                    0 | 1 => proptest::prop_assert_eq!(tx.extend(&octets).is_ok(), fits),
                    2 if count > 0 => proptest::prop_assert_eq!(tx.push_shared(octets.clone().into()).is_ok(), fits),
                    _ => {
                        let first = tx.pieces().next().map_or(0, <[u8]>::len);
                        let count = if count % 3 == 0 { first } else { count.min(queue.len()) };
                        tx.consume(count);
                        queue.drain(..count);
                    }
                }
                if fits && (how < 2 || (how == 2 && count > 0)) {
                    queue.extend(octets);
                }
                proptest::prop_assert_eq!(tx.len(), queue.len());
                proptest::prop_assert_eq!(tx.is_empty(), queue.is_empty());
                proptest::prop_assert_eq!(&tx.pieces().collect::<Vec<_>>().concat(), &queue);
            }
        }
    }

    #[test]
    fn a_limit_that_is_set_later_holds_from_then_on() {
        let mut tx = SendBuffer::with_limit(4);
        put(&mut tx, b"abcd").unwrap();
        tx.set_limit(6);
        assert_eq!(put(&mut tx, b"efg"), Err(Full));
        put(&mut tx, b"ef").unwrap();
        tx.set_limit(3);
        assert_eq!(put(&mut tx, b"g"), Err(Full));
        assert_eq!(tx.octets(), b"abcdef");
    }

    #[test]
    fn a_released_buffer_holds_what_waits_and_no_more() {
        let mut tx = SendBuffer::new();
        put(&mut tx, &[7; 5000]).unwrap();
        tx.consume(4990);
        tx.release();
        assert_eq!(tx.octets(), [7; 10]);
        assert_eq!(tx.storage.capacity(), 10);
        tx.consume(10);
        tx.release();
        assert_eq!(tx.storage.capacity(), 0);
    }

    /// A storage that grows, up to a thousand octets.
    #[derive(Default)]
    struct Thousand(Vec<u8>);

    impl AsRef<[u8]> for Thousand {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl AsMut<[u8]> for Thousand {
        fn as_mut(&mut self) -> &mut [u8] {
            &mut self.0
        }
    }

    impl Storage for Thousand {
        fn grow(&mut self, len: usize) -> Result<(), Full> {
            if len > self.max_len() {
                return Err(Full);
            }
            self.0.grow(len)
        }

        fn max_len(&self) -> usize {
            1000
        }

        fn shrink(&mut self, len: usize) {
            self.0.shrink(len);
        }
    }

    #[test]
    fn a_storage_that_grows_to_a_bound_is_used_up_to_it() {
        for first in [0, 1, 300, 999] {
            let mut tx = SendBuffer::with_storage(Thousand::default());
            put(&mut tx, &vec![1; first]).unwrap();
            assert_eq!(put(&mut tx, &vec![2; 1001 - first]), Err(Full));
            assert_eq!(tx.octets(), vec![1; first]);
            put(&mut tx, &vec![2; 1000 - first]).unwrap();
            assert_eq!(tx.octets().len(), 1000);
            assert_eq!(put(&mut tx, b"3"), Err(Full));
        }
    }
}
