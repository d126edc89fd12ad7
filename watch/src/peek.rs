//! Memory of the program that may not be there: the kernel copies it, so that a bad address costs
//! the program nothing but what its own call says to it.

use crate::who;

/// The bytes at `address`, as many as can be read and have room.
pub fn bytes(address: u64, room: &mut [u8]) -> &[u8] {
    let local = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
    let remote = libc::iovec { iov_base: address as *mut _, iov_len: room.len() };
    // SAFETY: the kernel checks both; the room is ours.
    let copied = unsafe {
        libc::syscall(
            libc::SYS_process_vm_readv,
            who::pid(),
            &raw const local,
            1_usize,
            &raw const remote,
            1_usize,
            0_usize,
        )
    };
    &room[..usize::try_from(copied).unwrap_or(0).min(room.len())]
}

/// The C string at `address`, without the zero; as much as has room.
pub fn string(address: u64, room: &mut [u8]) -> Option<&[u8]> {
    if address == 0 {
        return None;
    }
    // A string may end just in front of a page that is not there.
    let read = bytes(address, room);
    if read.is_empty() {
        return None;
    }
    let end = read.iter().position(|&byte| byte == 0).unwrap_or(read.len());
    Some(&read[..end])
}

/// Plain data of which any bytes make sense.
pub trait Plain: Copy {}
impl Plain for u16 {}
impl Plain for i32 {}
impl Plain for u64 {}
impl Plain for libc::timespec {}
impl Plain for libc::mq_attr {}
impl Plain for libc::sembuf {}

/// None if it cannot be read.
pub fn value<T: Plain>(address: u64) -> Option<T> {
    let mut room = std::mem::MaybeUninit::<T>::zeroed();
    // SAFETY: the bytes of `room`, which are initialised.
    let as_bytes =
        unsafe { std::slice::from_raw_parts_mut(room.as_mut_ptr().cast::<u8>(), size_of::<T>()) };
    let whole = bytes(address, as_bytes).len() == size_of::<T>();
    // SAFETY: any bytes are a value of plain data.
    whole.then(|| unsafe { room.assume_init() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_and_what_is_not() {
        let number = 0x1234_5678_u64;
        assert_eq!(value::<u64>(&raw const number as u64), Some(number));
        assert_eq!(value::<u64>(16), None);
        let mut room = [0; 8];
        assert_eq!(string(c"name".as_ptr() as u64, &mut room), Some(&b"name"[..]));
        assert_eq!(string(0, &mut room), None);
        assert_eq!(string(16, &mut room), None);
    }
}
