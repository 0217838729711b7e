//! garth-host
