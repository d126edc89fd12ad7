//! Nothing: the tests are `cbits.rs` and `abi.rs`.
