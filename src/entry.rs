//! Exported names of functions that are written in C.
//!
//! rustc exports from a shared library only what is written in Rust. So a Rust function that
//! consists of one jump carries the name. It has no stack frame, and nothing of Rust is on the
//! stack when C is cancelled.

/// The body of a naked function: `$target` of `cbits`, which has the same C signature.
///
/// Only the body is a macro, so that cbindgen sees the function and puts it into the header.
macro_rules! jump_to {
    ($target:ident) => {{
        // Only its address is taken.
        unsafe extern "C" {
            fn $target();
        }
        #[cfg(target_arch = "x86_64")]
        core::arch::naked_asm!("jmp {}", sym $target);
        #[cfg(target_arch = "aarch64")]
        core::arch::naked_asm!("b {}", sym $target);
    }};
}

/// Several names of one function of `cbits`. For what the header does not have.
macro_rules! jumps_to {
    ($target:ident $parameters:tt -> $result:ty; $($(#[$doc:meta])+ $name:ident;)+) => {
        $(
            $(#[$doc])+
            #[unsafe(naked)]
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name $parameters -> $result {
                jump_to!($target)
            }
        )+
    };
}

pub(crate) use {jump_to, jumps_to};
