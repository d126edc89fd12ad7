//! A message, as it was seen in its slot.

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its slot.
    pub slot: usize,
    /// Its sequence number, in the order of arrival.
    pub arrival: u64,
    /// Its type.
    pub kind: i64,
    /// Bytes of its body.
    pub length: usize,
    /// Where the body is, if that is not in the slot.
    pub location: u32,
}
