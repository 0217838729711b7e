//! garth-policy
