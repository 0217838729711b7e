//! garth.
fn main() {}
