//! garth-plan
