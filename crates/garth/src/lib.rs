//! garth-garth
