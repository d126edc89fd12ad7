//! Exported names of functions that are written in C.
//!
//! rustc exports from a shared library only what is written in Rust. So a Rust function that consists of one jump
//! carries the name. It has no stack frame, and nothing of Rust is on the stack when C is cancelled.

/// Makes `$name` an exported function that is `$target` in `cbits`. Both have the same C signature.
macro_rules! c_entry {
    ($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),* $(,)?) -> $result:ty = $target:ident) => {
        $(#[$doc])*
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $type),*) -> $result {
            #[cfg(target_arch = "x86_64")]
            core::arch::naked_asm!("jmp {}", sym $target);
            #[cfg(target_arch = "aarch64")]
            core::arch::naked_asm!("b {}", sym $target);
            #[cfg(target_arch = "riscv64")]
            core::arch::naked_asm!("tail {}", sym $target);
        }
    };
}

pub(super) use c_entry;
