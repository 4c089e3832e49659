//! What the fields of a request say, as far as that decides about it (RFC 6455 §4.2.1): collected in one pass, judged
//! when all of them are there, so that the fault that is reported doesn't depend on their order.

use core::str;

use super::authority::{Authority, is_registered_name};
use super::extension::is_extension_list;
use super::head::{Fields, Named, Single, plain_line};
use super::key::is_key;
use super::known::{Known, PROTOCOL};
use super::octets::{offset_in, trim_ows};
use super::token::{ListElements, is_token, lists_token};
use crate::error::RequestFault;

/// The largest number of subprotocols that a request may offer. It bounds the work of comparing them;
/// more are refused with [`RequestFault::List`].
pub const MAX_SUBPROTOCOLS: usize = 100;

/// In the place of where a line begins: there are several. No line begins there, as a head is at most as long.
pub(super) const SEVERAL: u16 = u16::MAX;

/// What the fields say, collected in one pass.
#[derive(Default)]
pub(super) struct Facts<'a> {
    host: Single<'a>,
    body: bool,
    pub(super) upgrade: bool,
    connection: bool,
    version: Single<'a>,
    key: Single<'a>,
    bad_list: bool,
    /// For these see `RequestMarks`.
    pub(super) offers_at: u16,
    pub(super) host_at: u16,
    pub(super) origin_at: u16,
}

impl<'a> Facts<'a> {
    /// Adds the field of this name, which stands in the head.
    pub(super) fn add(&mut self, head: &[u8], name: &[u8], value: &'a [u8]) {
        if let Some(known) = Known::of(name) {
            self.add_known(known, head, name, value);
        }
    }

    /// The short way: adds the field whose line begins `lines`, and returns what stands behind that line.
    #[inline(always)]
    pub(super) fn add_plain(&mut self, head: &[u8], lines: &'a [u8]) -> Option<&'a [u8]> {
        let (known, line) = Known::of_line(lines)?;
        let (value, rest) = plain_line(line)?;
        if let Some(known) = known {
            self.add_known(known, head, lines, trim_ows(value));
        }
        Some(rest)
    }

    /// `line` begins where that of the field does.
    fn add_known(&mut self, known: Known, head: &[u8], line: &[u8], value: &'a [u8]) {
        let single = match known {
            Known::Host => {
                self.host_at = offset_in(head, line).unwrap_or_default();
                &mut self.host
            }
            Known::Key => &mut self.key,
            Known::Version => &mut self.version,
            other => return self.add_other(other, head, line, value),
        };
        single.add(value);
    }

    fn add_other(&mut self, known: Known, head: &[u8], line: &[u8], value: &[u8]) {
        match known {
            Known::Origin => {
                self.origin_at = match self.origin_at {
                    0 => offset_in(head, line).unwrap_or(SEVERAL),
                    _ => SEVERAL,
                };
            }
            Known::Upgrade => self.upgrade |= lists_token([value], "websocket"),
            Known::Connection => self.connection |= lists_token([value], "Upgrade"),
            Known::Length => self.body |= value != b"0",
            Known::Coding => self.body = true,
            Known::Protocol => {
                // A line that offers nothing breaks the grammar.
                self.bad_list |= ListElements::new(value).next().is_none();
                if self.offers_at == 0 {
                    self.offers_at = offset_in(head, line).unwrap_or_default();
                }
            }
            // RFC 6455 §9.1-1
            Known::Extensions => self.bad_list |= !is_extension_list(value),
            Known::Host | Known::Key | Known::Version => {}
        }
    }

    /// What holds for plain requests too.
    pub(super) fn check_http(&self) -> Result<(), RequestFault> {
        let host = self.host.get().ok_or(RequestFault::Host)?;
        // Most often there is no port.
        let is_legal = is_registered_name(host)
            || str::from_utf8(host).is_ok_and(|host| Authority::parse(host).is_ok());
        if !is_legal {
            return Err(RequestFault::Host);
        }
        if self.body {
            return Err(RequestFault::Body);
        }
        Ok(())
    }

    /// What holds for a WebSocket request, whose head this is, and its key.
    pub(super) fn check_upgrade(&self, head: &[u8]) -> Result<&'a [u8], RequestFault> {
        if !self.connection {
            return Err(RequestFault::Connection);
        }
        // RFC 6455 §4.2.2-4, §11.3.5-1
        if self.version.get() != Some(b"13") {
            return Err(RequestFault::WebSocketVersion);
        }
        // RFC 6455 §11.3.1-1
        let key = self.key.get().filter(|key| is_key(key));
        let key = key.ok_or(RequestFault::Key)?;
        let bad_offers =
            self.offers_at != 0 && !are_distinct_tokens(Offers::of(head, self.offers_at));
        if self.bad_list || bad_offers {
            return Err(RequestFault::List);
        }
        Ok(key)
    }
}

/// The subprotocols that a head offers, over all lines of the field.
#[derive(Clone)]
pub(super) struct Offers<'a> {
    lines: Named<'a, 'static>,
    line: ListElements<'a>,
}

impl<'a> Offers<'a> {
    /// `at` is where the first line begins that offers any; 0 where none does.
    pub(super) fn of(head: &'a [u8], at: u16) -> Self {
        let head = if at == 0 { &[] } else { head };
        Self {
            lines: Fields::from_line(head, at).named(PROTOCOL),
            line: ListElements::new(&[]),
        }
    }
}

impl<'a> Iterator for Offers<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            match self.line.next() {
                None => self.line = ListElements::new(self.lines.next()?),
                some => return some,
            }
        }
    }
}

/// Whether the subprotocols are legal (RFC 6455 §11.3.4), and few enough to be compared.
fn are_distinct_tokens(mut offers: Offers<'_>) -> bool {
    if offers.clone().count() > MAX_SUBPROTOCOLS {
        return false;
    }
    while let Some(name) = offers.next() {
        if !is_token(name) || offers.clone().any(|later| later == name) {
            return false;
        }
    }
    true
}
