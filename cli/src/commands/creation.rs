//! What all commands share that make an object.

use clap::Args;

/// How a new object is made.
#[derive(Args)]
pub struct Creation {
    /// Permissions of the new object, in octal; the umask is not applied
    #[arg(long, value_name = "MODE", default_value = "0600", value_parser = parse_mode)]
    mode: u32,
    /// Succeed if the object exists already, and leave it unchanged
    #[arg(long)]
    pub if_missing: bool,
}

impl Creation {
    /// The permissions that the library is to be asked for. From now on no umask cuts them.
    pub fn exact_mode(&self) -> u32 {
        // SAFETY: changes a number of this process.
        unsafe { libc::umask(0) };
        self.mode
    }
}

fn parse_mode(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| "permissions are three octal digits, such as 0660".to_owned())
}
